-- KEYS: session, history, sends, sessions, silent, the prefixes of the first three, events, their
-- record.  ARGV: now, member, idle, created in seconds, prefix of nodes' channels.
local idle = tonumber(ARGV[3])
local created = tonumber(ARGV[4])
local s = redis.call('HMGET', KEYS[1], 'ended', 'messages')
if s[1] then return 1 end
if not s[2] then
  local slot = slot_of(created, idle)
  if tonumber(redis.call('HGET', KEYS[5], slot) or 0) > 0 then redis.call('HINCRBY', KEYS[5], slot, -1) end
end
tell_followers(KEYS[10], '', ARGV[5], ARGV[2] .. ' ')
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[9], KEYS[10])
redis.call('ZREM', KEYS[4], ARGV[2])
-- After its idle time, by clocks that differ by a minute, its token is refused anyhow.
local left = created * 1000 + idle + 60000 - now
if left > 0 then
  redis.call('HSET', KEYS[1], 'ended', 1)
  redis.call('PEXPIRE', KEYS[1], left)
end
return 1
