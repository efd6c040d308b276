-- Writes an archived point to Redis after Redis has lost its data. Does not replace a newer point.
--
-- KEYS[1]  resume:<user>:<video>, hash: the point
-- KEYS[2]  recent:<user>, zset: video -> updatedAt in ms
-- KEYS[3]  archive:erased, zset: <user>:<video> -> time of deletion in ms
-- KEYS[4]  archive:restored, string: exists after a complete restore
--          KEYS[3] and KEYS[4] are missing in a cluster.
-- ARGV[1]  updatedAt, ISO 8601
-- ARGV[2]  updatedAt, ms since 1970
-- ARGV[3]  remaining time to live, s
-- ARGV[4]  maximum number of points of a user
-- ARGV[5]  member of recent:<user>
-- ARGV[6]  prefix of the keys of this user's points: resume:<user>:
-- ARGV[7]  member of archive:erased
-- ARGV[8]  time when the video was first watched, ISO 8601; empty if never
-- ARGV[9]  time when the video was first completed, ISO 8601; empty if never
-- ARGV[10] other fields of the point, a JSON array: field, value, field, value and so on
-- returns  1 if the point was restored, else 0

-- A worker process may be frozen and continue later. In that time, another worker may have restored
-- the point, and the user may have deleted the point. This script must not restore a deleted point.
if KEYS[4] and (redis.call('EXISTS', KEYS[4]) == 1 or redis.call('ZSCORE', KEYS[3], ARGV[7])) then
  return 0
end

local function set_if_earlier(field, moment)
  local stored_time = redis.call('HGET', KEYS[1], field)
  if moment ~= '' and (not stored_time or stored_time > moment) then
    redis.call('HSET', KEYS[1], field, moment)
    return true
  end
end

local function set_first_times()
  if set_if_earlier('watchedAt', ARGV[8]) then
    redis.call('HSET', KEYS[1], 'watched', 1)
  end
  set_if_earlier('completedAt', ARGV[9])
end

local stored = redis.call('HGET', KEYS[1], 'updatedAt')
if stored and stored >= ARGV[1] then
  set_first_times()
  return 0
end

if not stored and redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4]) then
  local oldest = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
  if tonumber(oldest[2]) >= tonumber(ARGV[2]) then
    return 0
  end
  redis.call('DEL', ARGV[6] .. oldest[1])
  redis.call('ZREM', KEYS[2], oldest[1])
end

redis.call('HSET', KEYS[1], unpack(cjson.decode(ARGV[10])))
if stored then
  -- The stored point is older. Delete its fields that the archived point does not have.
  for _, field in ipairs({'duration', 'percent', 'watched', 'completed'}) do
    if not string.find(ARGV[10], '"' .. field .. '"', 1, true) then
      redis.call('HDEL', KEYS[1], field)
    end
  end
  if redis.call('HEXISTS', KEYS[1], 'watchedAt') == 1 then
    redis.call('HSET', KEYS[1], 'watched', 1)
  end
end
set_first_times()
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[5])
if redis.call('TTL', KEYS[2]) < tonumber(ARGV[3]) then
  redis.call('EXPIRE', KEYS[2], ARGV[3])
end
return 1
