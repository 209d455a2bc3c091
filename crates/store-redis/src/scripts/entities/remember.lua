-- Remembers an answer.
-- KEYS: answer. ARGV: how long to keep it, request, answer, expires_at.
redis.call('HSET', KEYS[1], 'request', ARGV[2], 'answer', ARGV[3], 'expires_at', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
