-- Says of users whether they may be put together with another: '1', '0' if there is no such user, 'b' if one blocks the other user.
-- KEYS: account and blocks of each. ARGV: the other user.
local answers = {}
for i = 1, #KEYS, 2 do
  local answer = '1'
  if not is_account(KEYS[i]) then
    answer = '0'
  elseif redis.call('HEXISTS', KEYS[i + 1], ARGV[1]) == 1 then
    answer = 'b'
  end
  answers[#answers + 1] = answer
end
return answers
