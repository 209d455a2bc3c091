-- Gives news to a shard. An inbox that nobody reads is bounded, and goes when nobody writes any more either.
-- KEYS: inbox. ARGV: how many entries it keeps, how many milliseconds it lives, entries. Gives the id of the last entry.
local last
for i = 3, #ARGV do
  last = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'b', ARGV[i])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return last
