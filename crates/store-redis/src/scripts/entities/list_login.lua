-- Enters a login into its user's list; the oldest have to end where there would be too many, and leave the list after that.
-- KEYS: account, list, todo. ARGV: token, login, when it was made, how many there may be, username. Gives the intent to end some, or nothing.
if not is_account(KEYS[1]) then return {'err', 'user_not_found'} end
if redis.call('ZSCORE', KEYS[2], ARGV[2]) then return noted(KEYS[3], ARGV[1]) or '' end
local excess = redis.call('ZCARD', KEYS[2]) + 1 - tonumber(ARGV[4])
local ending = excess > 0 and redis.call('ZRANGE', KEYS[2], 0, excess - 1) or {}
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[2])
if #ending == 0 then return '' end
return note(KEYS[3], ARGV[1], 'end ' .. ARGV[5] .. ' ' .. ARGV[3] .. ' ' .. table.concat(ending, ' '))
