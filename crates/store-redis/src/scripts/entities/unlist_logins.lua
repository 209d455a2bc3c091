-- Takes logins that have ended from their user's list.
-- KEYS: list. ARGV: logins.
return redis.call('ZREM', KEYS[1], unpack(ARGV))
