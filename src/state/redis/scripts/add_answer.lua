-- KEYS: session, history, sends, sessions.  ARGV: now, member, idle, sealed message, most
-- messages, most bytes.  Returns 1, or 0 where the session is gone.
local s = redis.call('HMGET', KEYS[1], 'ended', 'messages')
if s[1] or not s[2] then return 0 end
append(KEYS, ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]))
touch(KEYS, ARGV[2], tonumber(ARGV[3]))
return 1
