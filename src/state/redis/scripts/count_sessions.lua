-- KEYS: sessions, silent.  ARGV: now, idle.  Returns: stored sessions, silent sessions.
local idle = tonumber(ARGV[2])
local newest = slot_of(now / 1000, idle)
local silent = 0
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do
  if tonumber(all[i]) <= newest - 25 or tonumber(all[i]) > newest + 1 then
    redis.call('HDEL', KEYS[2], all[i])
  else
    silent = silent + tonumber(all[i + 1])
  end
end
return {redis.call('ZCOUNT', KEYS[1], string.format('%.0f', now - idle), '+inf'), silent}
