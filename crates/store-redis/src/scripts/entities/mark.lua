-- Moves a member's marks on, never back and never past the log's end. The member notes by which call, so that this one is known when it is repeated.
-- KEYS: conversation, members. ARGV: token, username, read, delivered ('0' to leave it).
-- Gives the member and when something was last sent if a mark moved, or else nothing.
local member = redis.call('HGET', KEYS[2], ARGV[2])
if not member then return false end
local state, read, delivered, moved_by = string.match(member, '^(%a %d+ %d) (%d+) (%d+) ?(%x*)$')
local known = redis.call('HMGET', KEYS[1], 'seq', 'active')
if moved_by == ARGV[1] then return {member, known[2]} end
local function moved(mark, to)
  return digits(math.max(tonumber(mark), math.min(tonumber(to), tonumber(known[1] or 0))))
end
local new_read, new_delivered = moved(read, ARGV[3]), moved(delivered, ARGV[4])
if new_read == read and new_delivered == delivered then return false end
local after = state .. ' ' .. new_read .. ' ' .. new_delivered .. ' ' .. ARGV[1]
redis.call('HSET', KEYS[2], ARGV[2], after)
return {after, known[2]}
