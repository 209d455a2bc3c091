-- Strikes out what is done, unless something else has to be done by now.
-- KEYS: todo. ARGV: token, intent.
if noted(KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
