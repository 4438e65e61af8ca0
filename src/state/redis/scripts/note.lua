-- KEYS: the subject's throttle.  ARGV: now, points in hundredths.  Returns the score in
-- hundredths.
local t = read_throttle(redis.call('GET', KEYS[1]))
add_score(t, tonumber(ARGV[2]) / 100, now)
keep(KEYS[1], t)
return math.floor(t.score * 100 + 0.5)
