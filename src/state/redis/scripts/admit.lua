-- KEYS: the windows, the subjects' throttles, then the revocations, the session and the claim, where
-- asked for.
-- ARGV: now, windows, subjects, session asked for (0, 1), claim (0: none, 1: look, 2: take),
--       presenter, milliseconds that a claim is remembered, revocations, when the credential was
--       issued; for each window limit, milliseconds, cost, subject (255: nobody); for each subject
--       hold_back (0, 1).
-- Returns: admitted, decided_by, remaining, reset in seconds, paced, offence, session (0 unknown,
--       1 live, 2 ended), its last activity in seconds, its messages, claim (0 unknown, 1 own,
--       2 foreign), limit of the window that decided, now, whether the presenter is remembered
--       since this call, whether the credential is revoked; of the session, the last activity of its
--       owner and of others in milliseconds, the network of these, early messages of both.
local windows, subjects = tonumber(ARGV[2]), tonumber(ARGV[3])
local HEAD = 9
local charges = {}
for i = 1, windows do
  local at = HEAD + (i - 1) * 4
  charges[i] = {tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])}
end
-- What has been revoked is charged to nobody.
local revocables = tonumber(ARGV[8])
for i = 1, revocables do
  local since = redis.call('GET', KEYS[windows + subjects + i])
  if tonumber(ARGV[9]) < tonumber(since or 0) then
    return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, now, 0, 1, 0, 0, '', 0, 0}
  end
end
local function charge(i) return unpack(charges[i]) end
local function seconds(ms) return math.floor((ms + 999) / 1000) end

local raw = {}
if windows + subjects > 0 then raw = redis.call('MGET', unpack(KEYS, 1, windows + subjects)) end
local kept, throttles = {}, {}
for s = 1, subjects do
  if raw[windows + s] then kept[s] = read_throttle(raw[windows + s]) end
end
-- Who behaved badly has half of its limits.
local function limit_of(i)
  local limit, _, _, whose = charge(i)
  local t = kept[whose + 1]
  if t and score_of(t, now) < SUSPICIOUS then return math.max(1, math.floor(limit / 2)) end
  return limit
end

local admitted, decided, remaining, reset, paced, offence = 1, 1, 0, 0, 0, 0
local tightest = math.huge
local loaded = {}
for i = 1, windows do
  local _, ms, cost = charge(i)
  local limit = limit_of(i)
  local w = read_window(raw[i])
  loaded[i] = w
  local left = limit - used(w, now, ms) - cost
  if left < 0 then
    local wait = seconds(wait_for(w, cost, limit, now, ms))
    if admitted == 1 or wait > reset then
      admitted, decided, remaining, reset = 0, i, 0, wait
    end
  elseif admitted == 1 and left < tightest then
    tightest, decided, remaining = left, i, left
    reset = seconds(until_empty(w, now, ms))
    if reset == 0 then reset = math.floor(ms / 1000) end
  end
end

local function first_of(subject)
  for i = 1, windows do
    local _, _, _, whose = charge(i)
    if whose == subject then return i end
  end
end
local wait_ms, slowest = 0, 1
for s = 1, subjects do
  local held = ARGV[HEAD + windows * 4 + s] == '1'
  local t = kept[s]
  if held and not t then t = new_throttle() end
  if t then
    local first = first_of(s - 1)
    local _, ms = charge(first)
    if held then hold_back(t, now, limit_of(first), ms) end
    if stage_of(t, now) > 0 then
      throttles[s] = t
      local wait, far = attempt(t, now)
      if far then offence = 1 end
      if wait > wait_ms then wait_ms, slowest = wait, first end
    end
  end
end
if admitted == 1 and (wait_ms > 0 or offence == 1) then
  admitted, paced, decided, remaining = 0, 1, slowest, 0
  reset = math.max(1, seconds(wait_ms))
end

local told = windows > 0 and limit_of(decided) or 0
if windows > 0 then
  if admitted == 1 then
    for i = 1, windows do
      local _, ms, cost = charge(i)
      if cost > 0 then
        take(loaded[i], cost)
        redis.call('SET', KEYS[i], write_window(loaded[i]), 'PX', string.format('%d', ms + sub_window(ms)))
      end
    end
    for _, t in pairs(throttles) do
      t.next_us = math.max(t.next_us, now * 1000) + interval(t)
    end
    for s = 1, subjects do
      local t = throttles[s] or kept[s]
      if t and t.score < 0 then
        add_score(t, math.min(AMENDS, -score_of(t, now)), now)
        throttles[s] = t
      end
    end
  else
    local _, ms, _, whose = charge(decided)
    if whose ~= 255 then
      local s = whose + 1
      throttles[s] = refused(throttles[s] or kept[s] or new_throttle(), now, told, ms)
    end
  end
end
for s, t in pairs(throttles) do keep(KEYS[windows + s], t) end

local at = windows + subjects + revocables
local status, active, messages, senders = 0, 0, 0, {}
if ARGV[4] == '1' then
  at = at + 1
  local s = redis.call('HMGET', KEYS[at], 'ended', 'active', 'messages', 'owner', 'others', 'network', 'owner-early', 'others-early')
  if s[1] then
    status = 2
  elseif s[2] then
    status, active, messages = 1, math.floor(tonumber(s[2]) / 1000), tonumber(s[3] or 0)
    senders = {unpack(s, 4)}
  end
end

local standing, claimed = 0, 0
local use = tonumber(ARGV[5])
if use > 0 and admitted == 1 then
  at = at + 1
  local presenter = ARGV[6]
  local known = redis.call('GET', KEYS[at]) or ''
  local own = false
  for i = 1, #known, #presenter do
    if string.sub(known, i, i + #presenter - 1) == presenter then own = true end
  end
  if known ~= '' then standing = own and 1 or 2 end
  if use == 2 and not own then
    -- The first presenter keeps its place; of three others the oldest gives way.
    if #known >= 4 * #presenter then
      known = string.sub(known, 1, #presenter) .. string.sub(known, 2 * #presenter + 1)
    end
    redis.call('SET', KEYS[at], known .. presenter, 'PX', ARGV[7])
    claimed = 1
  elseif own then
    redis.call('PEXPIRE', KEYS[at], ARGV[7])
  end
end
return {admitted, decided - 1, remaining, reset, paced, offence, status, active, messages, standing,
        told, now, claimed, 0, tonumber(senders[1] or 0), tonumber(senders[2] or 0), senders[3] or '',
        tonumber(senders[4] or 0), tonumber(senders[5] or 0)}
