-- Gives the version of the store's layout and its secret, and begins an empty store with both.
-- KEYS: meta. ARGV: newest layout, secret.
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('HSET', KEYS[1], 'layout', ARGV[1], 'secret', ARGV[2]) end
redis.call('HSETNX', KEYS[1], 'layout', 0)
if tonumber(redis.call('HGET', KEYS[1], 'layout')) <= tonumber(ARGV[1]) then redis.call('HSETNX', KEYS[1], 'secret', ARGV[2]) end
return redis.call('HMGET', KEYS[1], 'layout', 'secret')
