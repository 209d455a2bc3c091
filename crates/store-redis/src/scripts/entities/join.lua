-- Enters a conversation into the lists of users who joined it at a version, and gives for each 0 if there is no such account.
-- KEYS: account and list of each. ARGV: conversation, version.
local answers = {}
for i = 1, #KEYS, 2 do
  if not is_account(KEYS[i]) then
    answers[#answers + 1] = 0
  else
    if redis.call('ZADD', KEYS[i + 1], 'GT', 'CH', ARGV[2], ARGV[1]) == 1 then
      redis.call('HINCRBY', KEYS[i], 'memberships', 1)
    end
    answers[#answers + 1] = 1
  end
end
return answers
