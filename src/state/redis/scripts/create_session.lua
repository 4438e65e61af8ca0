-- KEYS: sessions, silent, then the prefixes of session, history and sends.
-- ARGV: now, created in seconds, idle in ms, most sessions, ms that an active one is protected.
-- Returns 1, or 0 where no further session can be held.
local idle = tonumber(ARGV[3])
if not make_room(KEYS[1], idle, tonumber(ARGV[4]), tonumber(ARGV[5]), {KEYS[3], KEYS[4], KEYS[5]}) then
  return 0
end
redis.call('HINCRBY', KEYS[2], slot_of(tonumber(ARGV[2]), idle), 1)
redis.call('PEXPIRE', KEYS[2], 2 * idle)
return 1
