-- KEYS: the record of a session's events.  ARGV: now, node, what follow_events returned last.
if redis.call('HGET', KEYS[1], 'f:' .. ARGV[2]) == ARGV[3] then
  redis.call('HDEL', KEYS[1], 'f:' .. ARGV[2])
end
return 1
