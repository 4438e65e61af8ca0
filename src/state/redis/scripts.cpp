#include "state/redis/scripts.hpp"

#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace portcullis::state {
namespace {

/// The time, and what several scripts share.
constexpr std::string_view kClock = R"lua(
if redis.replicate_commands then redis.replicate_commands() end
local now = tonumber(ARGV[1])
if now <= 0 then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end
)lua";

/// Sliding windows of twelve sub-windows, as state::Window counts them; state::Throttle;
/// state::Reputation. What is kept of a subject is one string.
constexpr std::string_view kWindows = R"lua(
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
)lua";

/// KEYS: the windows, the subjects' throttles, then the session, then the claim, where asked for.
/// ARGV: now, windows, subjects, session asked for (0, 1), claim (0: none, 1: look, 2: take),
///       presenter, milliseconds that a claim is remembered; for each window limit, milliseconds,
///       cost, subject (255: nobody); for each subject hold_back (0, 1).
/// Returns: admitted, decided_by, remaining, reset in seconds, paced, offence, session (0 unknown,
///       1 live, 2 ended), its last activity in seconds, its messages, claim (0 unknown, 1 own,
///       2 foreign), limit of the window that decided, now, whether the presenter is remembered
///       since this call.
constexpr std::string_view kAdmit = R"lua(
local windows, subjects = tonumber(ARGV[2]), tonumber(ARGV[3])
local charges = {}
for i = 1, windows do
  local at = 7 + (i - 1) * 4
  charges[i] = {tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])}
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
  local held = ARGV[7 + windows * 4 + s] == '1'
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
      take(loaded[i], cost)
      redis.call('SET', KEYS[i], write_window(loaded[i]), 'PX', string.format('%d', ms + sub_window(ms)))
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

local at = windows + subjects
local status, active, messages = 0, 0, 0
if ARGV[4] == '1' then
  at = at + 1
  local s = redis.call('HMGET', KEYS[at], 'ended', 'active', 'messages')
  if s[1] then
    status = 2
  elseif s[2] then
    status, active, messages = 1, math.floor(tonumber(s[2]) / 1000), tonumber(s[3] or 0)
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
        told, now, claimed}
)lua";

/// Undoes what `admit` did for a request that another part refused.
/// KEYS: the windows, the subjects' throttles, then the claim where one was made.
/// ARGV: now, when it was taken, windows, subjects, presenter ('' for no claim), milliseconds that
///       a claim is remembered; for each window milliseconds and cost.
constexpr std::string_view kGiveBack = R"lua(
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
)lua";

/// KEYS: the subject's throttle.  ARGV: now, points in hundredths.  Returns the score in
/// hundredths.
constexpr std::string_view kNote = R"lua(
local t = read_throttle(redis.call('GET', KEYS[1]))
add_score(t, tonumber(ARGV[2]) / 100, now)
keep(KEYS[1], t)
return math.floor(t.score * 100 + 0.5)
)lua";

/// Sessions. `sessions` holds all stored ones by their last activity in milliseconds, `silent`
/// counts those without a message by their time of creation.
constexpr std::string_view kSessions = R"lua(
local function slot_of(seconds, idle) return math.floor(seconds / math.max(1, math.floor(idle / 24000))) end
local function touch(keys, member, idle)
  local time, life = string.format('%d', now), string.format('%d', idle)
  redis.call('HSET', keys[1], 'active', time)
  for i = 1, 3 do redis.call('PEXPIRE', keys[i], life) end
  redis.call('ZADD', keys[4], time, member)
end
local function append(keys, blob, most, bytes_most)
  if most == 0 or #blob > bytes_most then return end
  local bytes = redis.call('HINCRBY', keys[1], 'bytes', #blob)
  local count = redis.call('RPUSH', keys[2], blob)
  if count == 1 and bytes ~= #blob then
    -- The first one after the list was evicted and the session was not.
    redis.call('HSET', keys[1], 'bytes', #blob)
    bytes = #blob
  end
  while count > most or bytes > bytes_most do
    local gone = redis.call('LPOP', keys[2])
    if not gone then
      -- The list was evicted and the session was not.
      redis.call('HSET', keys[1], 'bytes', 0)
      return
    end
    bytes = redis.call('HINCRBY', keys[1], 'bytes', -#gone)
    count = count - 1
  end
end
-- Whether a further session can be stored; the one silent longest gives way, unless it was active
-- lately. `prefixes`: of the three keys of a session.
local function make_room(sessions, idle, most, protect, prefixes)
  redis.call('ZREMRANGEBYSCORE', sessions, '-inf', '(' .. string.format('%.0f', now - idle))
  if redis.call('ZCARD', sessions) < most then return true end
  local oldest = redis.call('ZRANGE', sessions, 0, 0, 'WITHSCORES')
  if not oldest[1] or tonumber(oldest[2]) + math.min(protect, idle) > now then return false end
  redis.call('ZREM', sessions, oldest[1])
  for _, prefix in ipairs(prefixes) do redis.call('DEL', prefix .. oldest[1]) end
  return true
end
)lua";

/// KEYS: sessions, silent, then the prefixes of session, history and sends.
/// ARGV: now, created in seconds, idle in ms, most sessions, ms that an active one is protected.
/// Returns 1, or 0 where no further session can be held.
constexpr std::string_view kCreateSession = R"lua(
local idle = tonumber(ARGV[3])
if not make_room(KEYS[1], idle, tonumber(ARGV[4]), tonumber(ARGV[5]), {KEYS[3], KEYS[4], KEYS[5]}) then
  return 0
end
redis.call('HINCRBY', KEYS[2], slot_of(tonumber(ARGV[2]), idle), 1)
redis.call('PEXPIRE', KEYS[2], 2 * idle)
return 1
)lua";

/// KEYS: session, history, sends, sessions, silent, then the prefixes of the first three.
/// ARGV: now, member, idle in ms, created in seconds, client id ('' for none), message id, hash of
///       the text, sealed message ('' to keep none), most sessions, protection in ms, most
///       messages, most bytes, sends remembered.
/// Returns: kind (started, duplicate, conflict, full, ended), message id, number of messages.
constexpr std::string_view kBeginMessage = R"lua(
local idle = tonumber(ARGV[3])
local s = redis.call('HMGET', KEYS[1], 'ended', 'messages')
if s[1] then return {'ended', '', 0} end
local count = tonumber(s[2] or 0)
if not s[2] then
  if not make_room(KEYS[4], idle, tonumber(ARGV[9]), tonumber(ARGV[10]), {KEYS[6], KEYS[7], KEYS[8]}) then
    return {'full', '', 0}
  end
  local slot = slot_of(tonumber(ARGV[4]), idle)
  if tonumber(redis.call('HGET', KEYS[5], slot) or 0) > 0 then redis.call('HINCRBY', KEYS[5], slot, -1) end
end
local client, message, hash = ARGV[5], ARGV[6], ARGV[7]
if client ~= '' then
  -- Of a session that was evicted nothing counts any more, also where its parts are still there.
  if not s[2] then redis.call('DEL', KEYS[2], KEYS[3]) end
  local sent = redis.call('HGET', KEYS[3], client)
  if sent then
    local order, failed, same, id = string.match(sent, '^(%d+)|(%d)|(%x+)|(.*)$')
    if same ~= hash then return {'conflict', id, count} end
    redis.call('HSET', KEYS[3], client, order .. '|0|' .. same .. '|' .. id)
    touch(KEYS, ARGV[2], idle)
    return {failed == '1' and 'started' or 'duplicate', id, count}
  end
  if redis.call('HLEN', KEYS[3]) >= tonumber(ARGV[13]) then
    local all, first, name = redis.call('HGETALL', KEYS[3]), math.huge, nil
    for i = 1, #all, 2 do
      local order = tonumber(string.match(all[i + 1], '^%d+'))
      if order < first then first, name = order, all[i] end
    end
    redis.call('HDEL', KEYS[3], name)
  end
  redis.call('HSET', KEYS[3], client, (count + 1) .. '|0|' .. hash .. '|' .. message)
end
count = redis.call('HINCRBY', KEYS[1], 'messages', 1)
if ARGV[8] ~= '' then append(KEYS, ARGV[8], tonumber(ARGV[11]), tonumber(ARGV[12])) end
touch(KEYS, ARGV[2], idle)
return {'started', message, count}
)lua";

/// KEYS: session, history, sends, sessions.  ARGV: now, member, idle, sealed message, most
/// messages, most bytes.  Returns 1, or 0 where the session is gone.
constexpr std::string_view kAddAnswer = R"lua(
local s = redis.call('HMGET', KEYS[1], 'ended', 'messages')
if s[1] or not s[2] then return 0 end
append(KEYS, ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]))
touch(KEYS, ARGV[2], tonumber(ARGV[3]))
return 1
)lua";

/// KEYS: sends.  ARGV: now, message id.
constexpr std::string_view kFailMessage = R"lua(
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local order, same, id = string.match(all[i + 1], '^(%d+)|%d|(%x+)|(.*)$')
  if id == ARGV[2] then redis.call('HSET', KEYS[1], all[i], order .. '|1|' .. same .. '|' .. id) end
end
return 1
)lua";

/// KEYS: session, history, sends, sessions, silent.  ARGV: now, member, idle, created in seconds.
constexpr std::string_view kEndSession = R"lua(
local idle = tonumber(ARGV[3])
local created = tonumber(ARGV[4])
local s = redis.call('HMGET', KEYS[1], 'ended', 'messages')
if s[1] then return 1 end
if not s[2] then
  local slot = slot_of(created, idle)
  if tonumber(redis.call('HGET', KEYS[5], slot) or 0) > 0 then redis.call('HINCRBY', KEYS[5], slot, -1) end
end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
redis.call('ZREM', KEYS[4], ARGV[2])
-- After its idle time, by clocks that differ by a minute, its token is refused anyhow.
local left = created * 1000 + idle + 60000 - now
if left > 0 then
  redis.call('HSET', KEYS[1], 'ended', 1)
  redis.call('PEXPIRE', KEYS[1], left)
end
return 1
)lua";

/// KEYS: nodes.  ARGV: now, node, ms without a word after which a node is gone.  Returns how many
/// there are.
constexpr std::string_view kHeartbeat = R"lua(
redis.call('ZADD', KEYS[1], now, ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%.0f', now - tonumber(ARGV[3])))
return redis.call('ZCARD', KEYS[1])
)lua";

/// KEYS: sessions, silent.  ARGV: now, idle.  Returns: stored sessions, silent sessions.
constexpr std::string_view kCountSessions = R"lua(
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
)lua";

/// A block is kept by its network, and told in any case. Where there are too many, blocks that are
/// over go, then further ones stay with their node.
/// KEYS: order, blocks.  ARGV: now, network, until in seconds, the block as text, seconds that
/// offences are remembered, most blocks, channel.  Returns 1 where it was news.
constexpr std::string_view kBlock = R"lua(
local forget = (tonumber(ARGV[3]) + tonumber(ARGV[5])) * 1000
for _, network in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[1], network)
  redis.call('HDEL', KEYS[2], network)
end
local known = redis.call('ZSCORE', KEYS[1], ARGV[2])
if known and tonumber(known) >= forget then return 0 end
redis.call('PUBLISH', ARGV[7], ARGV[2] .. ' ' .. ARGV[4])
if not known and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[6]) then
  -- Blocks that are over, and only remembered, make room.
  local over = now + tonumber(ARGV[5]) * 1000
  for _, network in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', over, 'LIMIT', 0, 100)) do
    redis.call('ZREM', KEYS[1], network)
    redis.call('HDEL', KEYS[2], network)
  end
  if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[6]) then return 0 end
end
redis.call('ZADD', KEYS[1], forget, ARGV[2])
redis.call('HSET', KEYS[2], ARGV[2], ARGV[4])
return 1
)lua";

/// KEYS: order, blocks.  ARGV: now, first, number.  Returns network and block, one after the other.
constexpr std::string_view kBlocksPage = R"lua(
local out = {}
local first = tonumber(ARGV[2])
for _, network in ipairs(redis.call('ZRANGE', KEYS[1], first, first + tonumber(ARGV[3]) - 1)) do
  out[#out + 1] = network
  out[#out + 1] = redis.call('HGET', KEYS[2], network) or ''
end
return out
)lua";

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const auto part : parts) out += part;
  return out;
}

}  // namespace

Script::Script(std::string_view script, std::string source)
    : name(script), text(std::move(source)), sha(text::hex(crypto::sha1(text))) {}

namespace scripts {
const Script& admit() {
  static const Script script("admit", joined({kClock, kWindows, kAdmit}));
  return script;
}
const Script& give_back() {
  static const Script script("give_back", joined({kClock, kWindows, kGiveBack}));
  return script;
}
const Script& note() {
  static const Script script("note", joined({kClock, kWindows, kNote}));
  return script;
}
const Script& create_session() {
  static const Script script("create_session", joined({kClock, kSessions, kCreateSession}));
  return script;
}
const Script& begin_message() {
  static const Script script("begin_message", joined({kClock, kSessions, kBeginMessage}));
  return script;
}
const Script& add_answer() {
  static const Script script("add_answer", joined({kClock, kSessions, kAddAnswer}));
  return script;
}
const Script& fail_message() {
  static const Script script("fail_message", joined({kClock, kFailMessage}));
  return script;
}
const Script& end_session() {
  static const Script script("end_session", joined({kClock, kSessions, kEndSession}));
  return script;
}
const Script& heartbeat() {
  static const Script script("heartbeat", joined({kClock, kHeartbeat}));
  return script;
}
const Script& count_sessions() {
  static const Script script("count_sessions", joined({kClock, kSessions, kCountSessions}));
  return script;
}
const Script& block() {
  static const Script script("block", joined({kClock, kBlock}));
  return script;
}
const Script& blocks_page() {
  static const Script script("blocks_page", joined({kClock, kBlocksPage}));
  return script;
}
}  // namespace scripts

}  // namespace portcullis::state
