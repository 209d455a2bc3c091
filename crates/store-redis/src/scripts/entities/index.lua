-- Replaces a user's entry in a partition of the search index, if it is still the one that is expected.
-- An entry is 'username revision displayed name', and sorts as the username does; a posting holds usernames.
-- KEYS: entries, then the postings to enter, then those to leave. ARGV: username, expected entry, new entry, how many to enter.
-- Gives nothing if it was replaced, or else the entry that is there ('-' for none).
local first = '[' .. ARGV[1] .. ' '
local there = redis.call('ZRANGEBYLEX', KEYS[1], first, '(' .. ARGV[1] .. '!')[1] or ''
if there == ARGV[3] then return '' end
if there ~= ARGV[2] then return there == '' and '-' or there end
if there ~= '' then redis.call('ZREM', KEYS[1], there) end
if ARGV[3] ~= '' then redis.call('ZADD', KEYS[1], 0, ARGV[3]) end
for i = 2, #KEYS do
  if i - 1 <= tonumber(ARGV[4]) then
    redis.call('ZADD', KEYS[i], 0, ARGV[1])
  else
    redis.call('ZREM', KEYS[i], ARGV[1])
  end
end
return ''
