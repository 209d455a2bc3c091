-- Replaces one field of an account.
-- KEYS: account. ARGV: field, value.
if not is_account(KEYS[1]) then return {'err', 'user_not_found'} end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
