-- Gives presences of one partition, nothing where there is none.
-- KEYS: presences. ARGV: usernames.
return redis.call('HMGET', KEYS[1], unpack(ARGV))
