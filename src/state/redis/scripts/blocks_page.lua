-- KEYS: order, blocks.  ARGV: now, first, number.  Returns network and block, one after the other.
local out = {}
local first = tonumber(ARGV[2])
for _, network in ipairs(redis.call('ZRANGE', KEYS[1], first, first + tonumber(ARGV[3]) - 1)) do
  out[#out + 1] = network
  out[#out + 1] = redis.call('HGET', KEYS[2], network) or ''
end
return out
