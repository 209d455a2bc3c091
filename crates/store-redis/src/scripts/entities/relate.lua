-- Relates a user to another, as a contact or by a block. Each change has a number that grows, so that late words about it are told apart.
-- KEYS: account, relations, todo. ARGV: token, the relation's name, username, other, time, how many there may be.
-- Gives the intent to tell the other side.
if not is_account(KEYS[1]) then return {'err', 'user_not_found'} end
local function intent(number)
  return 'relate ' .. ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. number
end
local known = redis.call('HGET', KEYS[2], ARGV[4])
if known then return intent(string.match(known, '^%d+')) end
if redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[6]) then return {'err', 'limit_reached', ARGV[2]} end
local number = digits(redis.call('HINCRBY', KEYS[1], 'relations', 1))
redis.call('HSET', KEYS[2], ARGV[4], number .. ' ' .. ARGV[5])
return note(KEYS[3], ARGV[1], intent(number))
