-- Says whether there is an account that is not deleted.
-- KEYS: account.
return is_account(KEYS[1]) and 1 or 0
