-- Sets the layout that a migration has reached, if the caller is still the one who migrates. Says whether it is set.
-- KEYS: meta. ARGV: token, layout from which, layout to which.
local meta = redis.call('HMGET', KEYS[1], 'layout', 'migrator', 'migrated_by')
if meta[1] == ARGV[3] and meta[3] == ARGV[1] then return 1 end
if meta[1] ~= ARGV[2] or meta[2] ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'layout', ARGV[3], 'migrated_by', ARGV[1])
redis.call('HDEL', KEYS[1], 'migrator', 'migrates_until')
return 1
