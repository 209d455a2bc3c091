-- Relates a user to another no more.
-- KEYS: account, relations, todo. ARGV: token, the relation's name, username, other. Gives the intent to tell the other side, or nothing.
if redis.call('HDEL', KEYS[2], ARGV[4]) == 0 then
  local left = noted(KEYS[3], ARGV[1])
  return left and string.sub(left, 1, 2) == 'un' and left or ''
end
local number = digits(redis.call('HINCRBY', KEYS[1], 'relations', 1))
return note(KEYS[3], ARGV[1], 'unrelate ' .. ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. number)
