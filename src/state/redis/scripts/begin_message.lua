-- KEYS: session, history, sends, sessions, silent, the prefixes of the first three, events, their
-- record.
-- ARGV: now, member, idle in ms, created in seconds, client id ('' for none), message id, hash of
--       the text, sealed message ('' to keep none), most sessions, protection in ms, most
--       messages, most bytes, sends remembered, ms that a turn counts as alive before it says so,
--       sender ('owner', 'others', '' where nobody can tell), his network, ms that count as the
--       beginning.
-- Returns: kind (started, duplicate, conflict, full, ended), message id, number of messages, whether
--       a node follows the session's events.
local idle = tonumber(ARGV[3])
local s = redis.call('HMGET', KEYS[1], 'ended', 'messages')
if s[1] then return {'ended', '', 0, 0} end
local count = tonumber(s[2] or 0)
if not s[2] then
  -- Of a session that was evicted nothing counts any more, also where its parts are still there.
  redis.call('DEL', KEYS[2], KEYS[3])
  if not make_room(KEYS[4], idle, tonumber(ARGV[9]), tonumber(ARGV[10]), {KEYS[6], KEYS[7], KEYS[8]}) then
    return {'full', '', 0, 0}
  end
  local slot = slot_of(tonumber(ARGV[4]), idle)
  if tonumber(redis.call('HGET', KEYS[5], slot) or 0) > 0 then redis.call('HINCRBY', KEYS[5], slot, -1) end
end
local client, message, hash = ARGV[5], ARGV[6], ARGV[7]
if client ~= '' then
  local sent = redis.call('HGET', KEYS[3], client)
  if sent then
    local order, failed, same, id = string.match(sent, '^(%d+)|(%d)|(%x+)|(.*)$')
    if same ~= hash then return {'conflict', id, count, 0} end
    redis.call('HSET', KEYS[3], client, order .. '|0|' .. same .. '|' .. id)
    touch(KEYS, ARGV[2], idle)
    if failed ~= '1' then return {'duplicate', id, count, 0} end
    return {'started', id, count, start_turn(KEYS[10], id, tonumber(ARGV[14]))}
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
local sender = ARGV[15]
if sender ~= '' then
  redis.call('HSET', KEYS[1], sender, string.format('%d', now))
  if sender == 'others' then redis.call('HSET', KEYS[1], 'network', ARGV[16]) end
  if now < tonumber(ARGV[4]) * 1000 + tonumber(ARGV[17]) then redis.call('HINCRBY', KEYS[1], sender .. '-early', 1) end
end
if ARGV[8] ~= '' then append(KEYS, ARGV[8], tonumber(ARGV[11]), tonumber(ARGV[12])) end
touch(KEYS, ARGV[2], idle)
-- Without a client id nobody asks again for what this one is answered.
return {'started', message, count, start_turn(KEYS[10], message, client ~= '' and tonumber(ARGV[14]) or 0)}
