-- Adds an open stream of a user, or renews its lease. A lease ends by itself if its process is killed.
--
-- KEYS[1]  live:<user>, zset: stream -> end of the lease, ms since 1970
-- ARGV[1]  the stream: an id of its process, `:` and a number
-- ARGV[2]  duration of the lease, ms
-- ARGV[3]  maximum number of streams. 0: no limit
-- returns  0 if the user has the maximum number of streams, 1 if the lease is renewed, 2 if it is new

local call = redis.call
local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local limit = tonumber(ARGV[3])
call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local is_new = not call('ZSCORE', KEYS[1], ARGV[1])
if is_new and limit > 0 and call('ZCARD', KEYS[1]) >= limit then
  return 0
end
call('ZADD', KEYS[1], string.format('%d', now + ARGV[2]), ARGV[1])
call('PEXPIRE', KEYS[1], ARGV[2])
return is_new and 2 or 1
