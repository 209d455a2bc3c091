-- Forgets a presence.
-- KEYS: presences, names of those who are connected. ARGV: username.
redis.call('HDEL', KEYS[1], ARGV[1])
return redis.call('ZREM', KEYS[2], ARGV[1])
