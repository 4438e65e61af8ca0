-- Tells every node that listens to a channel.
-- KEYS: one of the server that is asked.  ARGV: now, channel, what is told.
return redis.call('PUBLISH', ARGV[2], ARGV[3])
