-- Looks whether what was acknowledged is still there.
-- KEYS: conversation, log. ARGV: floor, node, epoch.
local known = redis.call('HMGET', KEYS[1], 'seq', 'gen')
local floor_seq, floor_gen = string.match(ARGV[1], '^(%d+)-(%d+)$')
if floor_seq and (floor_gen ~= known[2] or tonumber(floor_seq) > tonumber(known[1]))
  and #redis.call('XRANGE', KEYS[2], ARGV[1], ARGV[1]) == 0 then
  return {'lost'}
end
return {}
