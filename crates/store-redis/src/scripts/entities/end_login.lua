-- Ends a login and tells so to those who ask. What ended stays known for a while, so that a late creation does not bring it back.
-- KEYS: login, those that ended, todo. ARGV: login, whose it must be ('' anybody's), time, how long an end is told, how long it is known.
-- Gives nothing if there was no such login, or else the intent to take it from its user's list: whoever says whose it is has done so.
local known = redis.call('HMGET', KEYS[1], 'user', 'ended')
if not known[1] then
  if ARGV[2] ~= '' then
    redis.call('HSET', KEYS[1], 'ended', ARGV[3])
    redis.call('PEXPIRE', KEYS[1], ARGV[5])
  end
  return ''
end
if ARGV[2] ~= '' and ARGV[2] ~= known[1] then return '' end
local intent = 'unlist ' .. known[1] .. ' ' .. ARGV[1]
if known[2] then return intent end

redis.call('HDEL', KEYS[1], 'login', 'refresh', 'expires_at', 'version', 'updated_by')
redis.call('HSET', KEYS[1], 'ended', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1] .. ' ' .. known[1])
local old = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', digits(tonumber(ARGV[3]) - tonumber(ARGV[4])), 'LIMIT', 0, 64)
if #old > 0 then redis.call('ZREM', KEYS[2], unpack(old)) end
redis.call('PEXPIRE', KEYS[2], 2 * ARGV[4])
return ARGV[2] == '' and note(KEYS[3], ARGV[1], intent) or intent
