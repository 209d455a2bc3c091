-- Gives the fields of accounts, nothing for one that does not exist or is deleted.
-- KEYS: accounts. ARGV: fields.
local found = {}
for i, key in ipairs(KEYS) do
  found[i] = is_account(key) and redis.call('HMGET', key, unpack(ARGV))
end
return found
