-- Forgets a device.
-- KEYS: devices. ARGV: id.
return redis.call('HDEL', KEYS[1], ARGV[1])
