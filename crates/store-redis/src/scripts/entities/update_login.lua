-- Replaces the refresh state of a login at its version.
-- KEYS: login. ARGV: token, how long to keep it, version, refresh, expires_at.
local known = redis.call('HMGET', KEYS[1], 'version', 'updated_by')
if known[2] == ARGV[1] then return 1 end
if known[1] ~= ARGV[3] then return {'err', 'conflict'} end
redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('HSET', KEYS[1], 'refresh', ARGV[4], 'expires_at', ARGV[5], 'updated_by', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
