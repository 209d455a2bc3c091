-- Writes a document at its version, and gives the new one.
-- KEYS: document. ARGV: token, expected version, body.
local known = redis.call('HMGET', KEYS[1], 'version', 'written_by')
if known[2] == ARGV[1] then return known[1] end
if (known[1] or '0') ~= ARGV[2] then return {'err', 'conflict'} end
redis.call('HSET', KEYS[1], 'body', ARGV[3], 'written_by', ARGV[1])
return digits(redis.call('HINCRBY', KEYS[1], 'version', 1))
