-- Gives the revision of an account's names and its displayed name, if it is not deleted.
-- KEYS: account.
local known = redis.call('HMGET', KEYS[1], 'names', 'display_name')
return {known[1] or '0', is_account(KEYS[1]) and known[2]}
