-- Mutes or unmutes a conversation for a member.
-- KEYS: members. ARGV: username, '1' or '0'.
local member = redis.call('HGET', KEYS[1], ARGV[1])
if not member then return {'err', 'conversation_not_found'} end
local before, after = string.match(member, '^(%a %d+) %d (.*)$')
redis.call('HSET', KEYS[1], ARGV[1], before .. ' ' .. ARGV[2] .. ' ' .. after)
return 1
