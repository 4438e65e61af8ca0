-- KEYS: events, their record.  ARGV: now, node, id behind which events are wanted, ms that the node
-- follows.
-- Returns: floor ('0' where nothing is known), the last one that is lost, the kept batches, the messages whose turns live,
--       whether the node was following, until when it follows.
local till = string.format('%d', now + tonumber(ARGV[4]))
local known = redis.call('HMGET', KEYS[2], 'floor', 'newest', 'f:' .. ARGV[2], 'lost')
redis.call('HSET', KEYS[2], 'f:' .. ARGV[2], till)
keep_events({KEYS[2]}, tonumber(ARGV[4]))
local wanted, after = {}, tonumber(ARGV[3])
local all = redis.call('LRANGE', KEYS[1], 0, -1)
-- Where all of them are gone, what is kept begins behind the newest one; where their record is, it
-- begins behind the last one that is here.
local floor, lost = known[1] or '0', known[4] or '0'
if #all == 0 then
  floor = known[2] or '0'
  lost = floor
elseif not known[1] then
  floor = string.match(all[#all], '^%d+')
  lost = floor
end
for _, entry in ipairs(all) do
  if tonumber(string.match(entry, '^%d+')) > after then wanted[#wanted + 1] = entry end
end
return {floor, lost, wanted, lasting(KEYS[2], 't'), known[3] and 1 or 0, till}
