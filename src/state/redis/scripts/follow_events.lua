-- KEYS: events, their record.  ARGV: now, node, id behind which events are wanted, ms that the node
-- follows.
-- Returns: floor ('0' where nothing is kept), the kept batches, the messages whose turns live, until
--       when the node follows.
local till = string.format('%d', now + tonumber(ARGV[4]))
redis.call('HSET', KEYS[2], 'f:' .. ARGV[2], till)
keep_events({KEYS[2]}, tonumber(ARGV[4]))
local floor, wanted, after = '0', {}, tonumber(ARGV[3])
local all = redis.call('LRANGE', KEYS[1], 0, -1)
if #all > 0 then floor = redis.call('HGET', KEYS[2], 'floor') or all[#all] end
for _, entry in ipairs(all) do
  if tonumber(string.match(entry, '^%d+')) > after then wanted[#wanted + 1] = entry end
end
return {string.match(floor, '^%d+'), wanted, lasting(KEYS[2], 't'), till}
