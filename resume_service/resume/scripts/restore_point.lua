-- Puts back an archived point that Redis has lost. Nothing newer is overwritten.
--
-- KEYS[1]  resume:<user>:<video>, hash: the point
-- KEYS[2]  recent:<user>, zset: video -> updatedAt in ms
-- KEYS[3]  archive:erased, zset: <user>:<video> -> when deleted, ms; absent in a cluster
-- KEYS[4]  archive:restored: there when all has been put back; absent in a cluster
-- ARGV[1]  updatedAt, ISO 8601
-- ARGV[2]  updatedAt, ms since 1970
-- ARGV[3]  time that it has left to live, s
-- ARGV[4]  points a user may hold
-- ARGV[5]  video, as it stands in the index
-- ARGV[6]  key of a point of this user, up to the video: resume:<user>:
-- ARGV[7]  member of archive:erased
-- ARGV[8]  first watched at, ISO 8601; empty when never
-- ARGV[9]  first completed at, ISO 8601; empty when never
-- ARGV[10] the other fields of the point and what they hold, one after another: JSON array
-- returns  1 when put back, 0 when not

-- A worker that was frozen must not bring back what others have put back and a user deleted since.
if KEYS[4] and (redis.call('EXISTS', KEYS[4]) == 1 or redis.call('ZSCORE', KEYS[3], ARGV[7])) then
  return 0
end

local function keep_first(field, moment)
  local known = redis.call('HGET', KEYS[1], field)
  if moment ~= '' and (not known or known > moment) then
    redis.call('HSET', KEYS[1], field, moment)
    return true
  end
end

local function recall()
  if keep_first('watchedAt', ARGV[8]) then
    redis.call('HSET', KEYS[1], 'watched', 1)
  end
  keep_first('completedAt', ARGV[9])
end

local live = redis.call('HGET', KEYS[1], 'updatedAt')
if live and live >= ARGV[1] then
  recall()
  return 0
end

if not live and redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4]) then
  local oldest = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
  if tonumber(oldest[2]) >= tonumber(ARGV[2]) then
    return 0
  end
  redis.call('DEL', ARGV[6] .. oldest[1])
  redis.call('ZREM', KEYS[2], oldest[1])
end

redis.call('HSET', KEYS[1], unpack(cjson.decode(ARGV[10])))
if live then
  -- What the older point had and the newer one has not.
  for _, field in ipairs({'duration', 'percent', 'watched', 'completed'}) do
    if not string.find(ARGV[10], '"' .. field .. '"', 1, true) then
      redis.call('HDEL', KEYS[1], field)
    end
  end
  if redis.call('HEXISTS', KEYS[1], 'watchedAt') == 1 then
    redis.call('HSET', KEYS[1], 'watched', 1)
  end
end
recall()
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[5])
if redis.call('TTL', KEYS[2]) < tonumber(ARGV[3]) then
  redis.call('EXPIRE', KEYS[2], ARGV[3])
end
return 1
