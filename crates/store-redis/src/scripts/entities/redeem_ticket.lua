-- Notes that a ticket was used, and says whether for the first time.
-- KEYS: ticket. ARGV: token, how long to keep it.
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return redis.call('GET', KEYS[1]) == ARGV[1] and 1 or 0
