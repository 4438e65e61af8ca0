-- KEYS: events, their record.  ARGV: now, node, number behind which batches are wanted, ms that the
-- node follows.
-- Returns: id behind which all events are kept ('0' where nothing is known), number of the last batch
--       that is lost, of the last one, the kept batches, the messages whose turns live, whether the
--       node was following, until when it follows.
local till = string.format('%d', now + tonumber(ARGV[4]))
local known = redis.call('HMGET', KEYS[2], 'floor', 'newest', 'f:' .. ARGV[2], 'lost', 'number')
redis.call('HSET', KEYS[2], 'f:' .. ARGV[2], till)
keep_events({KEYS[2]}, tonumber(ARGV[4]))
local number, wanted = tonumber(known[5] or 0), {}
local floor, lost = known[1] or '0', tonumber(known[4] or 0)
local count = redis.call('LLEN', KEYS[1])
if count == 0 then floor, lost = known[2] or '0', number end
local fresh = number - tonumber(ARGV[3])
if not known[5] then
  -- The record was evicted: of what is kept nothing is certain.
  local last = redis.call('LRANGE', KEYS[1], -1, -1)[1]
  if last then floor = string.match(last, '^%d+ (%d+)') end
elseif fresh ~= 0 and count > 0 then
  wanted = redis.call('LRANGE', KEYS[1], fresh > 0 and -fresh or 0, -1)
end
return {floor, lost, number, wanted, lasting(KEYS[2], 't'), known[3] and 1 or 0, till}
