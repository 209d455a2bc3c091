-- Gives an answer that was remembered.
-- KEYS: answer.
return redis.call('HMGET', KEYS[1], 'request', 'answer', 'expires_at')
