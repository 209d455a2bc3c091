-- Gives what has been left to do for longer than a time: token and intent of each.
-- KEYS: todo. ARGV: how long, how many to give.
local overdue = {}
local entries = redis.call('HGETALL', KEYS[1])
for i = 1, #entries, 2 do
  local time, intent = string.match(entries[i + 1], '^(%d+) (.*)$')
  if tonumber(time) + tonumber(ARGV[1]) <= now() then
    overdue[#overdue + 1] = entries[i]
    overdue[#overdue + 1] = intent
    if #overdue >= 2 * tonumber(ARGV[2]) then break end
  end
end
return overdue
