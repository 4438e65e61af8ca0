-- KEYS: events, their record.
-- ARGV: now, node, message, sealed events ('' for none), id before the first, id of the last,
--       whether earlier ones were lost (0, 1), most bytes, ms that events are kept, ms that the turn
--       counts as alive (0: it is over), prefix of nodes' channels, session.
-- Returns how many other nodes follow.
local node, sealed, most, life = ARGV[2], ARGV[4], tonumber(ARGV[8]), tonumber(ARGV[9])
local entry
if sealed ~= '' then
  local bytes = tonumber(redis.call('HGET', KEYS[2], 'bytes') or 0)
  local newest = redis.call('LRANGE', KEYS[1], -1, -1)[1]
  if not newest or ARGV[7] == '1' then
    local floor = newest and string.match(newest, '^%d+') or '0'
    if tonumber(floor) < tonumber(ARGV[5]) then floor = ARGV[5] end
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[2], 'floor', floor)
    bytes = 0
  end
  entry = ARGV[6] .. ' ' .. node .. ' ' .. sealed
  redis.call('RPUSH', KEYS[1], entry)
  bytes = bytes + #entry
  while bytes > most do
    local gone = redis.call('LPOP', KEYS[1])
    if not gone then
      bytes = 0
      break
    end
    bytes = bytes - #gone
    local last = string.match(gone, '^%d+')
    -- Batches of two nodes may be out of order.
    if tonumber(last) > tonumber(redis.call('HGET', KEYS[2], 'floor') or 0) then
      redis.call('HSET', KEYS[2], 'floor', last)
    end
  end
  redis.call('HSET', KEYS[2], 'bytes', bytes)
end
local alive = tonumber(ARGV[10])
if alive > 0 then
  redis.call('HSET', KEYS[2], 't:' .. ARGV[3], string.format('%d', now + alive))
else
  redis.call('HDEL', KEYS[2], 't:' .. ARGV[3])
end
keep_events(KEYS, life)
return tell_followers(KEYS[2], node, ARGV[11], entry and ARGV[12] .. ' ' .. entry)
