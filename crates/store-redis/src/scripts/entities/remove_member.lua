-- Removes a member from a group.
-- KEYS: conversation, members, todo. ARGV: token, conversation, by whom, member. Gives the intent to tell the user, or nothing if it was no member.
local left = noted(KEYS[3], ARGV[1])
if left then return left end
local by, username = ARGV[3], ARGV[4]
local own, refused = role_in_group(KEYS[1], KEYS[2], by)
if not own then return refused end
local present = redis.call('HGET', KEYS[2], username)
if not present and own ~= 'm' then return '' end
if not present or (by ~= username and ranks[own] <= ranks[role_of(present)]) then return {'err', 'not_allowed'} end
local version = remove(KEYS[1], KEYS[2], username)
return note(KEYS[3], ARGV[1], 'left ' .. ARGV[2] .. ' ' .. version .. ' ' .. username)
