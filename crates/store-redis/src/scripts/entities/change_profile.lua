-- Changes some fields of a profile. A changed displayed name has to be indexed anew.
-- KEYS: account, todo. ARGV: token, username, then for each field its name and either '=' and a value, or '-' and nothing.
-- Gives the intent to index it, or nothing.
if not is_account(KEYS[1]) then return {'err', 'user_not_found'} end
local shown = redis.call('HGET', KEYS[1], 'display_name')
for i = 3, #ARGV, 3 do
  if ARGV[i + 1] == '=' then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2])
  else
    redis.call('HDEL', KEYS[1], ARGV[i])
  end
end
if redis.call('HGET', KEYS[1], 'display_name') == shown then return noted(KEYS[2], ARGV[1]) or '' end
redis.call('HINCRBY', KEYS[1], 'names', 1)
return note(KEYS[2], ARGV[1], 'index ' .. ARGV[2])
