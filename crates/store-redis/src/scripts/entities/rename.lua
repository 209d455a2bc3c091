-- Renames a group.
-- KEYS: conversation, members. ARGV: by whom, title.
local role, refused = role_in_group(KEYS[1], KEYS[2], ARGV[1])
if not role then return refused end
if role == 'm' then return {'err', 'not_allowed'} end
if redis.call('HGET', KEYS[1], 'title') ~= ARGV[2] then
  redis.call('HSET', KEYS[1], 'title', ARGV[2])
  redis.call('HINCRBY', KEYS[1], 'version', 1)
end
return 1
