-- Gives a login that has not ended.
-- KEYS: login.
local login = redis.call('HMGET', KEYS[1], 'login', 'refresh', 'expires_at', 'version')
return login[1] and login
