-- Adds a member to a group, or gives one another role.
-- KEYS: conversation, members, todo. ARGV: token, conversation, by whom, member, role ('' to keep it), whether the user may join ('1', or '0' for
-- one who does not exist, 'b' for one who blocks the one who adds), how many members there may be.
-- Gives the intent to tell a new member, or nothing.
local by, username = ARGV[3], ARGV[4]
local own, refused = role_in_group(KEYS[1], KEYS[2], by)
if not own then return refused end
if own == 'm' then return {'err', 'not_allowed'} end
local present = redis.call('HGET', KEYS[2], username)
local before = present and role_of(present) or 'm'
local role = ARGV[5] == '' and before or ARGV[5]
if role ~= before and own ~= 'o' then return {'err', 'not_allowed'} end
-- An owner who stepped down would leave none.
if before == 'o' and role ~= 'o' then return {'err', 'not_allowed'} end
if present and role == before then return noted(KEYS[3], ARGV[1]) or '' end

local intent = ''
if present then
  give_role(KEYS[2], username, role)
else
  if ARGV[6] == '0' then return {'err', 'user_not_found'} end
  if ARGV[6] == 'b' then return {'err', 'not_allowed'} end
  if redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[7]) then return {'err', 'limit_reached', 'members'} end
  local last = redis.call('HGET', KEYS[1], 'seq') or '0'
  redis.call('HSET', KEYS[2], username, role .. ' ' .. last .. ' 0 ' .. last .. ' ' .. last)
end
if role == 'o' then give_role(KEYS[2], by, 'a') end
local version = digits(redis.call('HINCRBY', KEYS[1], 'version', 1))
if present then return '' end
return note(KEYS[3], ARGV[1], 'joined ' .. ARGV[2] .. ' ' .. version .. ' ' .. username)
