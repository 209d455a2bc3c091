-- Gives what a user has of a conversation: the member and when something was last sent. Nothing for one who is no member.
-- KEYS: conversation, members. ARGV: username.
local member = redis.call('HGET', KEYS[2], ARGV[1])
return member and {member, redis.call('HGET', KEYS[1], 'active')}
