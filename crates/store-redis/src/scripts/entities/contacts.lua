-- Gives a user's contacts, each with its change's number and time, and '1' where the contact has added the user too.
-- KEYS: contacts, those who have added the user.
local listed = {}
local contacts = redis.call('HGETALL', KEYS[1])
for i = 1, #contacts, 2 do
  listed[#listed + 1] = contacts[i]
  listed[#listed + 1] = contacts[i + 1]
  listed[#listed + 1] = redis.call('HEXISTS', KEYS[2], contacts[i])
end
return listed
