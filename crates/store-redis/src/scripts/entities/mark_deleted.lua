-- Deletes an account; its name stays taken. What lies elsewhere is left to do.
-- KEYS: account, devices, todo. ARGV: token, username, time, then the fields that go. Gives the intent, or nothing if there is no account.
local left = noted(KEYS[3], ARGV[1])
if left then return left end
if not is_account(KEYS[1]) then return '' end
redis.call('HSET', KEYS[1], 'gone', 1)
redis.call('HINCRBY', KEYS[1], 'names', 1)
redis.call('HDEL', KEYS[1], unpack(ARGV, 4))
redis.call('DEL', KEYS[2])
return note(KEYS[3], ARGV[1], 'delete ' .. ARGV[2] .. ' ' .. ARGV[3])
