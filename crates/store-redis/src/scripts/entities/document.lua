-- Gives a document.
-- KEYS: document.
return redis.call('HMGET', KEYS[1], 'version', 'body')
