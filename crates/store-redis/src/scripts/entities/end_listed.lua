-- Notes that all logins of a user but one have to end; they leave the list after that.
-- KEYS: list, todo. ARGV: token, the login that stays ('' for none), time, username. Gives the intent to end them, or nothing.
local ending = {}
for _, login in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if login ~= ARGV[2] then ending[#ending + 1] = login end
end
if #ending == 0 then return '' end
return note(KEYS[2], ARGV[1], 'end ' .. ARGV[4] .. ' ' .. ARGV[3] .. ' ' .. table.concat(ending, ' '))
