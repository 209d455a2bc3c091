-- Gives a conversation's kind, or nothing if there is none.
-- KEYS: conversation.
return redis.call('HGET', KEYS[1], 'kind')
