-- Reads events as they are now.
-- KEYS: log, changes. ARGV: XRANGE or XREVRANGE, from, to, how many at most.
-- Gives of each event its id, its body, and what changed it (nothing: the empty text).
local entries = redis.call(ARGV[1], KEYS[1], ARGV[2], ARGV[3], 'COUNT', ARGV[4])
local is_changed = #entries > 0 and redis.call('EXISTS', KEYS[2]) == 1
local events = {}
for _, entry in ipairs(entries) do
  local change = is_changed and redis.call('HGET', KEYS[2], string.match(entry[1], '^%d+'))
  local at = #events
  events[at + 1], events[at + 2], events[at + 3] = entry[1], entry[2][4], change or ''
end
return events
