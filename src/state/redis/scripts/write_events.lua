-- KEYS: events, their record, the session.
-- ARGV: now, node, message, sealed events ('' for none), id before the first, id of the last,
--       whether earlier ones were lost (0, 1), most bytes, ms that events are kept, ms that the turn
--       counts as alive (0: it is over), prefix of nodes' channels, session.
-- Returns how many other nodes follow.
if redis.call('HGET', KEYS[3], 'ended') then return 0 end
local node, sealed, most, life = ARGV[2], ARGV[4], tonumber(ARGV[8]), tonumber(ARGV[9])
local function larger(a, b) if tonumber(a) > tonumber(b) then return a else return b end end
local entry
if sealed ~= '' then
  local known = redis.call('HMGET', KEYS[2], 'bytes', 'floor', 'newest', 'lost', 'number')
  local bytes, floor, newest = tonumber(known[1] or 0), known[2] or '0', known[3] or '0'
  local lost, number = tonumber(known[4] or 0), tonumber(known[5] or 0)
  local count = redis.call('LLEN', KEYS[1])
  -- Of the two keys one may have been evicted: nothing is certain then of what was before.
  if ARGV[7] == '1' or count == 0 or not known[1] then
    redis.call('DEL', KEYS[1])
    if ARGV[7] == '1' or count > 0 then number = number + 1 end
    count, bytes, lost, floor = 0, 0, number, larger(larger(floor, newest), ARGV[5])
  end
  number = number + 1
  entry = string.format('%d %s %.0f %s %s', number, ARGV[6], now * 1000, node, sealed)
  redis.call('RPUSH', KEYS[1], entry)
  count, bytes = count + 1, bytes + #entry
  while bytes > most and count > 1 do
    local gone = redis.call('LPOP', KEYS[1])
    count, bytes = count - 1, bytes - #gone
    local which, last = string.match(gone, '^(%d+) (%d+)')
    lost = tonumber(which)
    -- Batches of two nodes may be out of order.
    floor = larger(floor, last)
  end
  redis.call('HSET', KEYS[2], 'bytes', bytes, 'floor', floor, 'newest', larger(newest, ARGV[6]),
             'lost', lost, 'number', number)
end
local alive = tonumber(ARGV[10])
if alive > 0 then
  redis.call('HSET', KEYS[2], 't:' .. ARGV[3], string.format('%d', now + alive))
else
  redis.call('HDEL', KEYS[2], 't:' .. ARGV[3])
end
keep_events({KEYS[1], KEYS[2]}, life)
return tell_followers(KEYS[2], node, ARGV[11], entry and ARGV[12] .. ' ' .. entry)
