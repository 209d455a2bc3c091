-- Gives a user's mutual contacts without blocks.
-- KEYS: contacts, those who have added the user, blocks, those who block the user.
local visible = {}
local contacts = redis.call('HKEYS', KEYS[1])
-- In portions, because Lua passes a few thousand values at most.
for from = 1, #contacts, 1000 do
  local some = {unpack(contacts, from, math.min(from + 999, #contacts))}
  local added = redis.call('HMGET', KEYS[2], unpack(some))
  local blocked = redis.call('HMGET', KEYS[3], unpack(some))
  local blocking = redis.call('HMGET', KEYS[4], unpack(some))
  for i, contact in ipairs(some) do
    if added[i] and not blocked[i] and not blocking[i] then visible[#visible + 1] = contact end
  end
end
return visible
