-- Keeps who is related to a user, unless a newer change is known. A removal is remembered for a while for that.
-- KEYS: account, the reverse relations, the removal. ARGV: who, number of the change, '1' or '0', how long a removal is remembered.
-- Gives 0 if it would be related to an account that does not exist any more.
local known = redis.call('HGET', KEYS[2], ARGV[1]) or redis.call('GET', KEYS[3])
if known and tonumber(known) >= tonumber(ARGV[2]) then return 1 end
if ARGV[3] == '0' then
  redis.call('HDEL', KEYS[2], ARGV[1])
  redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[4])
  return 1
end
if not is_account(KEYS[1]) then return 0 end
redis.call('DEL', KEYS[3])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return 1
