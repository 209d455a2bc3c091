-- Roles and members. Scripts about groups are the prelude, this file and their own, in one text.
-- A member is 'role joined_at_seq muted read delivered', with role one of o, a, m; a word more says which call has moved the marks.

local ranks = {m = 1, a = 2, o = 3}

-- Gives the role of a member.
local function role_of(member) return string.sub(member, 1, 1) end

-- Gives the role that a user has in a group, or else nothing and the error.
local function role_in_group(conversation, members, username)
  local kind = redis.call('HGET', conversation, 'kind')
  local member = kind and redis.call('HGET', members, username)
  if not member then return nil, {'err', 'conversation_not_found'} end
  if kind == 'd' then return nil, {'err', 'not_allowed'} end
  return role_of(member)
end

local function give_role(members, username, role)
  redis.call('HSET', members, username, role .. string.sub(redis.call('HGET', members, username), 2))
end

-- Says whether a name comes before another, byte by byte: Lua's own order is that of the server's locale.
local function comes_before(one, other)
  for i = 1, math.min(#one, #other) do
    local a, b = string.byte(one, i), string.byte(other, i)
    if a ~= b then return a < b end
  end
  return #one < #other
end

-- Removes a member, gives a group that loses its owner another, and gives the conversation's new version.
local function remove(conversation, members, username)
  local was_owner = role_of(redis.call('HGET', members, username)) == 'o'
  redis.call('HDEL', members, username)
  if was_owner then
    local heir, rank
    local left = redis.call('HGETALL', members)
    for i = 1, #left, 2 do
      local its = ranks[role_of(left[i + 1])]
      if not heir or its > rank or (its == rank and comes_before(left[i], heir)) then heir, rank = left[i], its end
    end
    if heir then give_role(members, heir, 'o') end
  end
  return digits(redis.call('HINCRBY', conversation, 'version', 1))
end
