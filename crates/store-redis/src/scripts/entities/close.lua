-- Closes or opens a direct conversation for one of the two, unless a newer change is known. It is open if neither has closed it.
-- What is known of one that is not made yet is kept: while it is closed, or for a while.
-- KEYS: conversation, closed. ARGV: username, number of the change, '1' to close or '0', how long to keep what is known.
-- Says whether there is such a conversation.
local known = redis.call('HGET', KEYS[2], ARGV[1])
if tonumber(ARGV[2]) > tonumber(known and string.match(known, '%d+$') or 0) then
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[3] .. ' ' .. ARGV[2])
end
local blocked = '0'
for _, state in ipairs(redis.call('HVALS', KEYS[2])) do
  if string.sub(state, 1, 1) == '1' then blocked = '1' end
end
local conversation = redis.call('HMGET', KEYS[1], 'kind', 'blocked')
if conversation[1] and conversation[2] ~= blocked then
  redis.call('HSET', KEYS[1], 'blocked', blocked)
  redis.call('HINCRBY', KEYS[1], 'version', 1)
end
if conversation[1] or blocked == '1' then
  redis.call('PERSIST', KEYS[2])
else
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
return conversation[1] and 1 or 0
