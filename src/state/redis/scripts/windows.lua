-- Sliding windows of twelve sub-windows, as state::Window counts them; state::Throttle;
-- state::Reputation. What is kept of a subject is one string.
local SUBS, SLOTS = 12, 13
local WINDOW = '<I8' .. string.rep('I4', SLOTS)
local function sub_window(ms) return math.floor((ms + SUBS - 1) / SUBS) end
local function new_window()
  local w = {0}
  for i = 2, SLOTS + 1 do w[i] = 0 end
  return w
end
local function read_window(raw)
  if not raw then return new_window() end
  local w = {struct.unpack(WINDOW, raw)}
  w[SLOTS + 2] = nil
  return w
end
local function write_window(w) return struct.pack(WINDOW, unpack(w)) end
local function sum(w)
  local out = 0
  for i = 2, SLOTS + 1 do out = out + w[i] end
  return out
end
local function used(w, now, ms)
  local index = math.floor(now / sub_window(ms))
  if index > w[1] then
    local steps = math.min(index - w[1], SLOTS)
    for step = 1, steps do w[2 + (index - steps + step) % SLOTS] = 0 end
    w[1] = index
  end
  return sum(w)
end
local function take(w, cost)
  local at = 2 + w[1] % SLOTS
  w[at] = w[at] + cost
end
local function wait_for(w, cost, limit, now, ms)
  local left = sum(w)
  if left + cost <= limit then return 0 end
  local sub = sub_window(ms)
  for k = 0, SLOTS - 1 do
    local leaving = w[1] - SUBS + k
    if leaving >= 0 then left = left - w[2 + leaving % SLOTS] end
    if left + cost <= limit then return math.max(1, (w[1] + k + 1) * sub - now) end
  end
  return ms
end
local function until_empty(w, now, ms)
  local sub = sub_window(ms)
  for k = SLOTS - 1, 0, -1 do
    local index = w[1] - SUBS + k
    if index >= 0 and w[2 + index % SLOTS] ~= 0 then
      return math.max(0, (w[1] + k + 1) * sub - now)
    end
  end
  return 0
end

local BURST, REFUSALS, REFUSAL_SPAN = 20, 10, 300000
local RAPID, RAPID_SPAN, QUIET = 50, 10000, 900000
local THROTTLE = '<I4I4I8I8I8dI8'
local WINDOW_BYTES = struct.size(WINDOW)
local THROTTLE_BYTES = struct.size(THROTTLE)
local function new_throttle()
  return {stage = 0, units = 0, ms = 0, next_us = 0, last = 0, score = 0, since = 0,
          attempts = new_window(), rapid = new_window(), refusals = new_window()}
end
local function read_throttle(raw)
  if not raw then return new_throttle() end
  local t = {}
  t.stage, t.units, t.ms, t.next_us, t.last, t.score, t.since = struct.unpack(THROTTLE, raw)
  local function part(n)
    local at = THROTTLE_BYTES + n * WINDOW_BYTES
    return read_window(string.sub(raw, at + 1, at + WINDOW_BYTES))
  end
  t.attempts, t.rapid, t.refusals = part(0), part(1), part(2)
  return t
end
local function write_throttle(t)
  return struct.pack(THROTTLE, t.stage, t.units, t.ms, t.next_us, t.last, t.score, t.since) ..
         write_window(t.attempts) .. write_window(t.rapid) .. write_window(t.refusals)
end
local function stage_of(t, now)
  while t.stage > 0 and now - t.last >= QUIET do
    t.last = t.last + QUIET
    t.stage = t.stage - 1
  end
  return t.stage
end
local function interval(t) return math.floor(t.ms * 1000 * t.stage / math.max(1, t.units)) end
local function enter(t, stage, now)
  t.stage = stage
  t.next_us = now * 1000 + BURST * interval(t)
end
local function hold_back(t, now, units, ms)
  if stage_of(t, now) == 2 then return end
  t.units, t.ms = units, ms
  enter(t, 2, now)
  t.next_us = 0
  t.last = now
end
local function attempt(t, now)
  used(t.attempts, now, t.ms)
  take(t.attempts, 1)
  used(t.rapid, now, RAPID_SPAN)
  take(t.rapid, 1)
  local offence = sum(t.attempts) * 2 > t.units * 3 or sum(t.rapid) >= RAPID
  if offence then t.attempts, t.rapid = new_window(), new_window() end
  local step = interval(t)
  local early = t.next_us + step - BURST * step - now * 1000
  return early <= 0 and 0 or math.floor((early + 999) / 1000), offence
end
local function refused(t, now, units, ms)
  if stage_of(t, now) == 0 then
    local score, since = t.score, t.since
    t = new_throttle()
    t.units, t.ms, t.score, t.since = units, ms, score, since
    enter(t, 1, now)
  end
  t.last = now
  used(t.refusals, now, REFUSAL_SPAN)
  take(t.refusals, 1)
  if t.stage == 1 and sum(t.refusals) >= REFUSALS then enter(t, 2, now) end
  return t
end
local BEST, SUSPICIOUS, AMENDS, HALF_LIFE = 100, -10, 0.1, 3600000
local function score_of(t, now)
  if t.score == 0 then return 0 end
  return t.score * 2 ^ ((t.since - now) / HALF_LIFE)
end
local function add_score(t, points, now)
  t.score = math.max(-BEST, math.min(BEST, score_of(t, now) + points))
  t.since = now
end
-- Kept until the stages are over, and the worst reputation is as good as forgotten.
local function keep(key, t)
  local ms = 2 * QUIET + 60000
  if t.score ~= 0 then ms = 6 * HALF_LIFE end
  redis.call('SET', key, write_throttle(t), 'PX', ms)
end
