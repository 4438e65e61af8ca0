-- The events of a session for other nodes. `record` is a hash: 'number', of the last batch; 'lost', of
-- the last one that is not kept; 'floor', the id behind which all events are kept; 'newest', the
-- greatest id so far; 'bytes' of them; 'f:NODE', until when that node follows; 't:MESSAGE', until when
-- its turn counts as alive.
local function keep_events(keys, ms)
  for _, key in ipairs(keys) do
    if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, string.format('%d', ms)) end
  end
end
-- What stands in the record under 'f:' or 't:' and has not passed.
local function lasting(record, kind)
  local out = {}
  local all = redis.call('HGETALL', record)
  for i = 1, #all, 2 do
    local name = string.match(all[i], '^' .. kind .. ':(.*)$')
    if name then
      if tonumber(all[i + 1]) > now then out[#out + 1] = name else redis.call('HDEL', record, all[i]) end
    end
  end
  return out
end
-- Tells the nodes that follow, but `self`. Returns how many these are.
local function tell_followers(record, self, channels, news)
  local count = 0
  for _, node in ipairs(lasting(record, 'f')) do
    if node ~= self then
      count = count + 1
      if news then redis.call('PUBLISH', channels .. node, news) end
    end
  end
  return count
end
-- From now on a message is under way. Returns whether a node follows.
local function start_turn(record, message, alive)
  if alive > 0 then
    redis.call('HSET', record, 't:' .. message, string.format('%d', now + alive))
    keep_events({record}, alive)
  end
  return #lasting(record, 'f') > 0 and 1 or 0
end
