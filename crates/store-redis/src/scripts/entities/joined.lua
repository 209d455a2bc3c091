-- Gives the conversations that a user has joined.
-- KEYS: list.
return redis.call('ZRANGE', KEYS[1], 0, -1)
