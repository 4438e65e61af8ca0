-- KEYS: events, their record.  ARGV: now, node, what follow_events returned last.
if redis.call('HGET', KEYS[2], 'f:' .. ARGV[2]) == ARGV[3] then
  redis.call('HDEL', KEYS[2], 'f:' .. ARGV[2])
end
return 1
