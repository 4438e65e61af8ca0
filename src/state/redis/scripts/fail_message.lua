-- KEYS: sends, the record of the session's events.  ARGV: now, message id.
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local order, same, id = string.match(all[i + 1], '^(%d+)|%d|(%x+)|(.*)$')
  if id == ARGV[2] then redis.call('HSET', KEYS[1], all[i], order .. '|1|' .. same .. '|' .. id) end
end
redis.call('HDEL', KEYS[2], 't:' .. ARGV[2])
return 1
