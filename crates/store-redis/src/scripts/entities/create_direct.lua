-- Makes a direct conversation, unless there is one, or one of the two has closed it already.
-- KEYS: conversation, members, closed, todo. ARGV: token, conversation, time, usernames. Gives the intent to tell the members, or nothing
-- if there was one.
if redis.call('HEXISTS', KEYS[1], 'kind') == 1 then return noted(KEYS[4], ARGV[1]) or '' end
for _, state in ipairs(redis.call('HVALS', KEYS[3])) do
  if string.sub(state, 1, 1) == '1' then return {'err', 'not_allowed'} end
end
redis.call('PERSIST', KEYS[3])
redis.call('HSET', KEYS[1], 'kind', 'd', 'created', ARGV[3], 'active', ARGV[3], 'version', 1, 'blocked', 0, 'seq', 0)
for i = 4, #ARGV do redis.call('HSET', KEYS[2], ARGV[i], 'm 0 0 0 0') end
return note(KEYS[4], ARGV[1], 'joined ' .. ARGV[2] .. ' 1 *')
