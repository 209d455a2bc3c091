-- Gives the logins that ended at or after a time, each with its user and its time.
-- KEYS: those that ended. ARGV: time.
return redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], '+inf', 'WITHSCORES')
