-- Appends an event with all that goes with it, or does nothing.
-- KEYS: conversation, members, log, requests, older requests, outbox; and, of what is no message, changes, reactions, reacted.
-- ARGV: floor, node, epoch; from, id, digest, token, time, body, operation (m, e, d, r or u); and, of what is no message, target,
-- generation of the target if it matters, text or emoji.
-- Gives seq, generation, time, whether it was there already, version, generation of the target.
local known = redis.call('HMGET', KEYS[1], 'kind', 'seq', 'gen', 'own', 'version', 'blocked')
local seq, gen, version = tonumber(known[2] or 0), tonumber(known[3] or 0), tonumber(known[5] or 0)
local from, operation, target = ARGV[4], ARGV[10], ARGV[11]
local member = redis.call('HGET', KEYS[2], from)
if not member then return {'err', 'conversation_not_found'} end

local entry = target and redis.call('XRANGE', KEYS[3], target, target)[1]
local target_gen = entry and tonumber(string.match(entry[1], '%d+$')) or 0

-- A repeated request. Its token tells whether it is this very call, sent again because its answer got lost. The empty id says in which hour
-- the requests were last made to expire, and whether there are older ones.
local remembered = redis.call('HMGET', KEYS[4], ARGV[5], '')
local request, made_to_expire = remembered[1], remembered[2] or ''
local has_older = string.find(made_to_expire, 'o', 1, true)
if not request and has_older then request = redis.call('HGET', KEYS[5], ARGV[5]) end
if request then
  local first = {string.match(request, '^(%d+) (%d+) (%d+) (%S+) (%S+)$')}
  if first[4] ~= ARGV[6] then return {'err', 'id_conflict'} end
  local again = first[5] == ARGV[7] and 0 or 1
  return {tonumber(first[1]), tonumber(first[2]), tonumber(first[3]), again, version, target_gen}
end

-- Less than what was acknowledged: a failover took it back. Positions of one generation are without gaps, so that a later one of the same
-- generation shows that the floor is there.
local floor_seq, floor_gen = string.match(ARGV[1], '^(%d+)-(%d+)$')
if floor_seq and (tonumber(floor_gen) ~= gen or tonumber(floor_seq) > seq)
  and #redis.call('XRANGE', KEYS[3], ARGV[1], ARGV[1]) == 0 then
  return {'lost'}
end

if known[6] == '1' then return {'err', 'not_allowed'} end
local author = from
if operation ~= 'm' then
  author = ''
  -- The author of a message is not empty, and what was deleted has a change that says so.
  local writer = entry and entry[2][2] or ''
  local change = redis.call('HGET', KEYS[7], target)
  local is_other = ARGV[12] ~= '' and ARGV[12] ~= tostring(target_gen)
  if writer == '' or is_other or (change and string.sub(change, 1, 1) == 'd') then
    return {'err', 'message_not_found'}
  end
  local place = string.format('%016.0f ', target)
  if operation == 'e' then
    if writer ~= from then return {'err', 'not_allowed'} end
    -- The edits of a message are noted with it: if it is deleted, so are their texts.
    local edits = redis.call('HGET', KEYS[7], 'e' .. target)
    redis.call('HSET', KEYS[7], target, 'e' .. ARGV[8] .. ' ' .. ARGV[13], 'e' .. target, (edits or '') .. ' ' .. (seq + 1))
  elseif operation == 'd' then
    local is_admin = known[1] == 'g' and string.find(member, '^[oa]')
    if writer ~= from and not is_admin then return {'err', 'not_allowed'} end
    redis.call('HSET', KEYS[7], target, 'd')
    for edit in string.gmatch(redis.call('HGET', KEYS[7], 'e' .. target) or '', '%d+') do
      redis.call('HSET', KEYS[7], edit, 'd')
    end
    redis.call('HDEL', KEYS[7], 'e' .. target)
    for _, reaction in ipairs(redis.call('ZRANGEBYLEX', KEYS[8], '[' .. place, '(' .. place .. '\255')) do
      local what = string.sub(reaction, 35)
      local emoji = string.match(what, ' (.*)$')
      redis.call('HDEL', KEYS[9], target .. ' ' .. what, target .. ' # ' .. emoji)
    end
    redis.call('HDEL', KEYS[9], target .. ' #')
    redis.call('ZREMRANGEBYLEX', KEYS[8], '[' .. place, '(' .. place .. '\255')
  else
    -- Of each emoji it is counted how often it is on the message, and of the message how many different ones are on it.
    local emoji = ARGV[13]
    local what, count, different = target .. ' ' .. from .. ' ' .. emoji, target .. ' # ' .. emoji, target .. ' #'
    local on = redis.call('HGET', KEYS[9], what)
    if operation == 'r' and not on then
      if redis.call('HEXISTS', KEYS[9], count) == 0 then
        if tonumber(redis.call('HGET', KEYS[9], different) or 0) >= 100 then
          return {'err', 'limit_reached', 'different emojis on a message'}
        end
        redis.call('HINCRBY', KEYS[9], different, 1)
      end
      redis.call('HINCRBY', KEYS[9], count, 1)
      redis.call('HSET', KEYS[9], what, seq + 1)
      redis.call('ZADD', KEYS[8], 0, place .. string.format('%016.0f ', seq + 1) .. from .. ' ' .. emoji)
    elseif operation == 'u' and on then
      redis.call('HDEL', KEYS[9], what)
      redis.call('ZREM', KEYS[8], place .. string.format('%016.0f ', on) .. from .. ' ' .. emoji)
      if redis.call('HINCRBY', KEYS[9], count, -1) == 0 then
        redis.call('HDEL', KEYS[9], count)
        redis.call('HINCRBY', KEYS[9], different, -1)
      end
    end
  end
end

-- A node that has not appended last may lack what another has shown, and so may one that has become the master again since.
local node, epoch = ARGV[2], tonumber(ARGV[3])
local is_new = known[4] ~= node or epoch > gen
if is_new then gen = math.max(known[4] == node and gen or gen + 1, epoch) end
seq = seq + 1
redis.call('XADD', KEYS[3], seq .. '-' .. gen, 'a', author, 'b', ARGV[9])
if is_new then
  redis.call('HSET', KEYS[1], 'seq', seq, 'active', ARGV[8], 'gen', gen, 'own', node)
else
  redis.call('HSET', KEYS[1], 'seq', seq, 'active', ARGV[8])
end

-- Remembered for 24 hours, and of each sender at least the last thousand; that there are many is looked for now and then.
local hour = tostring(math.floor(ARGV[8] / 3600000))
if ARGV[8] % 8 == 0 and redis.call('HLEN', KEYS[4]) > 1024 then
  redis.call('UNLINK', KEYS[5])
  redis.call('RENAME', KEYS[4], KEYS[5])
  made_to_expire, has_older = '', true
end
local made = seq .. ' ' .. gen .. ' ' .. ARGV[8] .. ' ' .. ARGV[6] .. ' ' .. ARGV[7]
if string.match(made_to_expire, '^%d*') == hour then
  redis.call('HSET', KEYS[4], ARGV[5], made)
else
  redis.call('HSET', KEYS[4], ARGV[5], made, '', has_older and hour .. 'o' or hour)
  redis.call('EXPIRE', KEYS[4], 25 * 3600)
end

if operation == 'm' then
  local state, delivered = string.match(member, '^(%a %d+ %d) %d+ (%d+)')
  redis.call('HSET', KEYS[2], from, state .. ' ' .. seq .. ' ' .. delivered)
  if redis.call('HLEN', KEYS[2]) > 1 then
    local news = string.sub(KEYS[1], -32) .. ' ' .. seq .. ' ' .. version .. ' ' .. ARGV[8] .. ' ' .. from
    -- Positions begin with the epoch, so that none stands for something else after a loss.
    local added = redis.pcall('XADD', KEYS[6], ARGV[3] .. '-*', 'e', news)
    if type(added) == 'table' then
      -- Another connection has told of a later epoch.
      local about = redis.call('XINFO', 'STREAM', KEYS[6])
      for i = 1, #about, 2 do
        if about[i] == 'last-generated-id' then
          redis.call('XADD', KEYS[6], string.match(about[i + 1], '^%d+') .. '-*', 'e', news)
        end
      end
    end
  end
end
return {seq, gen, tonumber(ARGV[8]), 0, version, target_gen}
