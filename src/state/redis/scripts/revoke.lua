-- KEYS: the revocation.  ARGV: now, since, until, both in milliseconds.
-- Of what is known already the later times hold; the value is `since`, and the key lives as long.
local since, life = tonumber(ARGV[2]), tonumber(ARGV[3]) - now
if life <= 0 then return 0 end
local known = tonumber(redis.call('GET', KEYS[1]) or 0)
life = math.max(life, redis.call('PTTL', KEYS[1]))
redis.call('SET', KEYS[1], string.format('%d', math.max(since, known)), 'PX', string.format('%d', life))
return 1
