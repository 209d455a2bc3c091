-- Keeps a new login, unless it was ended in the meantime.
-- KEYS: login. ARGV: how long to keep it, username, login, refresh, expires_at, version.
local known = redis.call('HMGET', KEYS[1], 'login', 'refresh', 'version', 'ended')
if known[4] then return 1 end
if known[1] then
  if known[1] == ARGV[3] and known[2] == ARGV[4] and known[3] == ARGV[6] then return 1 end
  return {'err', 'conflict'}
end
redis.call('HSET', KEYS[1], 'user', ARGV[2], 'login', ARGV[3], 'refresh', ARGV[4], 'expires_at', ARGV[5], 'version', ARGV[6])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
