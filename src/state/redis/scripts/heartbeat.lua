-- KEYS: nodes.  ARGV: now, node, ms without a word after which a node is gone.  Returns how many
-- there are.
redis.call('ZADD', KEYS[1], now, ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%.0f', now - tonumber(ARGV[3])))
return redis.call('ZCARD', KEYS[1])
