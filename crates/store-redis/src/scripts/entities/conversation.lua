-- Gives a conversation: its fields, then names and states of its members. Nothing if there is none.
-- KEYS: conversation, members.
local fields = redis.call('HMGET', KEYS[1], 'kind', 'title', 'created', 'version', 'blocked')
return fields[1] and {fields, redis.call('HGETALL', KEYS[2])}
