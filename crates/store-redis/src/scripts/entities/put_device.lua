-- Keeps or replaces a device.
-- KEYS: account, devices. ARGV: id, device, how many there may be.
if redis.call('HEXISTS', KEYS[1], 'gone') == 1 then return {'err', 'user_not_found'} end
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 and redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[3]) then
  return {'err', 'limit_reached', 'devices'}
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return 1
