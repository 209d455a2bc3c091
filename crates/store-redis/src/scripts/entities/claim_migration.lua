-- Makes the caller the one who migrates, for a while, unless another is; each has a greater number than the one before.
-- KEYS: meta. ARGV: token, layout from which to migrate, for how long. Gives the number, or nothing if another migrates or has done so.
local meta = redis.call('HMGET', KEYS[1], 'layout', 'migrator', 'migrates_until')
if meta[1] ~= ARGV[2] then return false end
if meta[2] and meta[2] ~= ARGV[1] and tonumber(meta[3]) > now() then return false end
if meta[2] ~= ARGV[1] then redis.call('HINCRBY', KEYS[1], 'migration', 1) end
redis.call('HSET', KEYS[1], 'migrator', ARGV[1], 'migrates_until', digits(now() + ARGV[3]))
return redis.call('HGET', KEYS[1], 'migration')
