-- Gives the presences of those of one partition who are connected, in order of their names.
-- KEYS: presences, names of those who are connected. ARGV: where to begin, how many.
local names = redis.call('ZRANGEBYLEX', KEYS[2], ARGV[1], '+', 'LIMIT', 0, ARGV[2])
if #names == 0 then return names end
return redis.call('HMGET', KEYS[1], unpack(names))
