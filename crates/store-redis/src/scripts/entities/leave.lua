-- Removes one whose account is deleted from a group, if the user is in it. Gives the conversation's kind, or nothing if there is none.
-- KEYS: conversation, members. ARGV: username.
local kind = redis.call('HGET', KEYS[1], 'kind')
if kind == 'g' and redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then remove(KEYS[1], KEYS[2], ARGV[1]) end
return kind or ''
