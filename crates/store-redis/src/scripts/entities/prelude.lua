-- What several scripts need. Every script is this file and its own, in one text.

-- Gives the node's time in milliseconds.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Gives a number without an exponent.
local function digits(number)
  return string.format('%.0f', number)
end

-- Notes what is left to do, under a token that also tells a repeated call from a new one, and gives it.
local function note(todo, token, intent)
  redis.call('HSET', todo, token, digits(now()) .. ' ' .. intent)
  return intent
end

-- Gives what was noted under a token, without its time, or nothing.
local function noted(todo, token)
  local text = redis.call('HGET', todo, token)
  return text and string.match(text, '^%d+ (.*)$')
end

-- Says whether there is an account that is not deleted.
local function is_account(key)
  local known = redis.call('HMGET', key, 'made_by', 'gone')
  return known[1] and not known[2]
end
