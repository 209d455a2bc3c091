-- Makes a group. A repeated call is known by what it asks for.
-- KEYS: conversation, members, todo. ARGV: digest of what is asked for, conversation, time, '=' and title or '-' and nothing, owner, others.
-- Gives the intent to tell the members, or nothing if that is done.
local known = redis.call('HMGET', KEYS[1], 'kind', 'made_by')
if known[1] and known[2] ~= ARGV[1] then return {'err', 'conflict'} end
if known[1] then return noted(KEYS[3], ARGV[1]) or '' end
redis.call('HSET', KEYS[1], 'kind', 'g', 'created', ARGV[3], 'active', ARGV[3], 'version', 1, 'blocked', 0, 'seq', 0, 'made_by', ARGV[1])
if ARGV[4] == '=' then redis.call('HSET', KEYS[1], 'title', ARGV[5]) end
redis.call('HSET', KEYS[2], ARGV[6], 'o 0 0 0 0')
-- In portions, because Lua passes a few thousand values at most.
local others = {}
for i = 7, #ARGV do
  others[#others + 1] = ARGV[i]
  others[#others + 1] = 'm 0 0 0 0'
  if #others == 2000 or i == #ARGV then
    redis.call('HSET', KEYS[2], unpack(others))
    others = {}
  end
end
return note(KEYS[3], ARGV[1], 'joined ' .. ARGV[2] .. ' 1 *')
