-- Replaces presences of a partition by what they are in the newer layout, those that have not changed; refused once a later migrator has begun.
-- KEYS: presences, names of those who are connected, the migrator's number. ARGV: number of the migrator, how long to keep it, then username,
-- record before, record after, '1' or '0' for connected of each.
if tonumber(redis.call('GET', KEYS[3]) or 0) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[2])
for i = 3, #ARGV, 4 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2])
    if ARGV[i + 3] == '1' then redis.call('ZADD', KEYS[2], 0, ARGV[i]) end
  end
end
return 1
