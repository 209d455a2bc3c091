-- Keeps presences of one partition, unless one of a newer epoch is there, and gives how many it kept.
-- KEYS: presences, names of those who are connected. ARGV: username, epoch, '1' or '0' for connected, and 'epoch record' of each.
local function at_most(one, other)
  return #one < #other or (#one == #other and one <= other)
end
local kept = 0
for i = 1, #ARGV, 4 do
  local known = redis.call('HGET', KEYS[1], ARGV[i])
  if not known or at_most(string.match(known, '^%d+'), ARGV[i + 1]) then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 3])
    if ARGV[i + 2] == '1' then
      redis.call('ZADD', KEYS[2], 0, ARGV[i])
    else
      redis.call('ZREM', KEYS[2], ARGV[i])
    end
    kept = kept + 1
  end
end
return kept
