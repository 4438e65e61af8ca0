-- Sessions. `sessions` holds all stored ones by their last activity in milliseconds, `silent`
-- counts those without a message by their time of creation.
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
