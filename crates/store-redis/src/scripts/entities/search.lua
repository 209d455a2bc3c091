-- Gives usernames of one partition of the search index that begin with a text, or whose displayed name contains it, each kind in order.
-- KEYS: entries, then the postings of the text's pairs of bytes. ARGV: text, where the usernames that begin so are looked for ('' nowhere),
-- the username after which to begin, how many to give, how many entries to look at.
-- Gives names of the first kind and the name up to which it looked ('' for the end), then the same of the second.
-- Names are not compared here: Lua compares as the server's locale does.
local text, begin, after, limit, budget = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])

local function name_of(entry)
  return string.sub(entry, 1, string.find(entry, ' ', 1, true) - 1)
end
local function shows(entry)
  local revision = string.find(entry, ' ', 1, true) + 1
  return string.find(entry, text, string.find(entry, ' ', revision, true) + 1, true)
end

local beginning, begun_until = {}, ''
if begin ~= '' then
  local entries = redis.call('ZRANGEBYLEX', KEYS[1], begin, '(' .. text .. '\255', 'LIMIT', 0, limit)
  for i, entry in ipairs(entries) do beginning[i] = name_of(entry) end
  if #entries == limit then begun_until = beginning[limit] end
end

-- The candidates are those of the rarest pair, or all.
local posting, fewest
for i = 2, #KEYS do
  local count = redis.call('ZCARD', KEYS[i])
  if not fewest or count < fewest then posting, fewest = KEYS[i], count end
end
local containing, looked_until = {}, ''
local from = after == '' and '-' or '(' .. after .. (posting and '' or '!')
local candidates = redis.call('ZRANGEBYLEX', posting or KEYS[1], from, '+', 'LIMIT', 0, budget)
for i, entry in ipairs(candidates) do
  if posting then
    entry = redis.call('ZRANGEBYLEX', KEYS[1], '[' .. entry .. ' ', '(' .. entry .. '!')[1]
  end
  if entry and shows(entry) then containing[#containing + 1] = name_of(entry) end
  if #containing == limit or i == budget then
    looked_until = posting and candidates[i] or name_of(candidates[i])
    break
  end
end
return {beginning, begun_until, containing, looked_until}
