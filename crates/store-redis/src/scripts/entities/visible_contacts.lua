-- Gives a user's mutual contacts without blocks.
-- KEYS: contacts, those who have added the user, blocks, those who block the user.
local visible = {}
for _, contact in ipairs(redis.call('HKEYS', KEYS[1])) do
  if redis.call('HEXISTS', KEYS[2], contact) == 1 and redis.call('HEXISTS', KEYS[3], contact) == 0
    and redis.call('HEXISTS', KEYS[4], contact) == 0 then
    visible[#visible + 1] = contact
  end
end
return visible
