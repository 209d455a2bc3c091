-- Gives the names of a hash's fields.
-- KEYS: hash.
return redis.call('HKEYS', KEYS[1])
