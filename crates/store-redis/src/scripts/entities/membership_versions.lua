-- Gives of accounts how often their users joined or left a conversation.
-- KEYS: accounts.
local versions = {}
for i, key in ipairs(KEYS) do versions[i] = redis.call('HGET', key, 'memberships') or '0' end
return versions
