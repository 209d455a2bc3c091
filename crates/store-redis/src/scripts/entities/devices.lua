-- Gives a user's devices.
-- KEYS: devices.
return redis.call('HVALS', KEYS[1])
