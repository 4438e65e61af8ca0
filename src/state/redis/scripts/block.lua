-- A decision on a network is kept where it supersedes the one that is known (BlockTable), and told
-- then. Where there are too many, blocks that are over go, then further ones stay with their node.
-- KEYS: order, blocks.  ARGV: now, network, until in seconds, the block as text, seconds that
-- offences are remembered, most blocks, channel.  Returns 1 where it was news.
local forget = (tonumber(ARGV[3]) + tonumber(ARGV[5])) * 1000
for _, network in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[1], network)
  redis.call('HDEL', KEYS[2], network)
end
local known = redis.call('ZSCORE', KEYS[1], ARGV[2])
local function decision(text)
  local since, ends, by = string.match(text or '', '^(%d+) (%d+) (%a+) ')
  return {since = tonumber(since or 0), ends = tonumber(ends or 0), by = by}
end
local function supersedes(fresh, old)
  if fresh.by == 'operator' then
    return fresh.since > old.since or fresh.since == old.since and old.by ~= fresh.by
  end
  if old.by ~= 'operator' then return fresh.ends > old.ends end
  return old.ends <= now and fresh.since > old.since
end
if known and not supersedes(decision(ARGV[4]), decision(redis.call('HGET', KEYS[2], ARGV[2]))) then
  return 0
end
redis.call('PUBLISH', ARGV[7], ARGV[2] .. ' ' .. ARGV[4])
if not known and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[6]) then
  -- Blocks that are over, and only remembered, make room.
  local over = now + tonumber(ARGV[5]) * 1000
  for _, network in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', over, 'LIMIT', 0, 100)) do
    redis.call('ZREM', KEYS[1], network)
    redis.call('HDEL', KEYS[2], network)
  end
  if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[6]) then return 0 end
end
redis.call('ZADD', KEYS[1], forget, ARGV[2])
redis.call('HSET', KEYS[2], ARGV[2], ARGV[4])
return 1
