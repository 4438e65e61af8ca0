-- Undoes what `admit` did for a request that another part refused.
-- KEYS: the windows, the subjects' throttles, then the claim where one was made.
-- ARGV: now, when it was taken, windows, subjects, presenter ('' for no claim), milliseconds that
--       a claim is remembered; for each window milliseconds and cost.
local taken, windows, subjects = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
for i = 1, windows do
  local ms, cost = tonumber(ARGV[5 + 2 * i]), tonumber(ARGV[6 + 2 * i])
  local raw = redis.call('GET', KEYS[i])
  if raw then
    local w = read_window(raw)
    used(w, now, ms)
    local index = math.floor(taken / sub_window(ms))
    if index <= w[1] and index > w[1] - SLOTS then
      local at = 2 + index % SLOTS
      w[at] = math.max(0, w[at] - cost)
      redis.call('SET', KEYS[i], write_window(w), 'PX', string.format('%d', ms + sub_window(ms)))
    end
  end
end
for s = 1, subjects do
  local raw = redis.call('GET', KEYS[windows + s])
  if raw then
    local t = read_throttle(raw)
    if stage_of(t, now) > 0 then t.next_us = math.max(0, t.next_us - interval(t)) end
    if t.score < 0 then add_score(t, -AMENDS, now) end
    keep(KEYS[windows + s], t)
  end
end
local presenter = ARGV[5]
if presenter ~= '' then
  local key = KEYS[windows + subjects + 1]
  local known, left = redis.call('GET', key) or '', ''
  for i = 1, #known, #presenter do
    local one = string.sub(known, i, i + #presenter - 1)
    if one ~= presenter then left = left .. one end
  end
  if left == '' then redis.call('DEL', key) else redis.call('SET', key, left, 'PX', ARGV[6]) end
end
return 1
