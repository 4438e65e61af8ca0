-- The time, and what several scripts share.
if redis.replicate_commands then redis.replicate_commands() end
local now = tonumber(ARGV[1])
if now <= 0 then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end
