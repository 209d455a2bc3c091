-- Gives some presences of a partition as they are stored, and where to read on ('0' at the end).
-- KEYS: presences. ARGV: where to begin.
return redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', 256)
