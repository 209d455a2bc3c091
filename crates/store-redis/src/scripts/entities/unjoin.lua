-- Takes a conversation from the list of a user who left it at a version, unless the user has joined again.
-- KEYS: account, list. ARGV: conversation, version.
local joined = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not joined or tonumber(joined) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('HINCRBY', KEYS[1], 'memberships', 1)
