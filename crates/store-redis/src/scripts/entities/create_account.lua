-- Makes an account, unless its name is or was taken.
-- KEYS: account, todo. ARGV: token, username, then names and values of fields. Gives the intent to index it.
local made_by = redis.call('HGET', KEYS[1], 'made_by')
if made_by and made_by ~= ARGV[1] then return {'err', 'username_taken'} end
if not made_by then
  redis.call('HSET', KEYS[1], 'made_by', ARGV[1], 'names', 1, unpack(ARGV, 3))
  note(KEYS[2], ARGV[1], 'index ' .. ARGV[2])
end
return 'index ' .. ARGV[2]
