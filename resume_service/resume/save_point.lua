-- Saves a measurement, unless the stored point was measured later. All of it or nothing.
-- The only place where the rules of a save stand: order, percent, watched, completed, cap.
--
-- KEYS[1]  resume:<user>:<video>, hash: the point
-- KEYS[2]  recent:<user>, zset: video -> updatedAt in ms
-- KEYS[3]  archive:dirty, zset: <user>:<video> -> updatedAt in ms; absent without an archive
-- ARGV[1]  position, s
-- ARGV[2]  duration, s; empty when the player does not know it
-- ARGV[3]  measured at, ISO 8601
-- ARGV[4]  measured at, ms since 1970
-- ARGV[5]  time to live of the point, s
-- ARGV[6]  points a user may hold
-- ARGV[7]  percent from which a video counts as watched
-- ARGV[8]  points saved before this have expired, ms since 1970
-- ARGV[9]  video, as it stands in the index
-- ARGV[10] key of a point of this user, up to the video: resume:<user>:
-- ARGV[11] member of archive:dirty
-- returns  1 when applied, 0 when the stored point is newer

local stored = redis.call('HMGET', KEYS[1], 'updatedAt', 'duration', 'watchedAt', 'completedAt')
if stored[1] and stored[1] > ARGV[3] then
  return 0
end

-- HSET comes first: on a full Redis it is refused before anything has changed.
local duration = ARGV[2] ~= '' and ARGV[2] or stored[2]
if duration then
  -- The flags follow the percent as it is shown, rounded to two decimals.
  local percent = string.format('%.2f', math.min(100, 100 * ARGV[1] / duration))
  local watched = tonumber(percent) >= tonumber(ARGV[7])
  local completed = percent == '100.00'
  redis.call('HSET', KEYS[1], 'currentTime', ARGV[1], 'updatedAt', ARGV[3], 'duration', duration,
    'percent', percent, 'watched', (watched or stored[3]) and 1 or 0, 'completed', completed and 1 or 0)
  -- The first time is kept for good.
  if watched and not stored[3] then
    redis.call('HSET', KEYS[1], 'watchedAt', ARGV[3])
  end
  if completed and not stored[4] then
    redis.call('HSET', KEYS[1], 'completedAt', ARGV[3])
  end
else
  redis.call('HSET', KEYS[1], 'currentTime', ARGV[1], 'updatedAt', ARGV[3])
end
redis.call('EXPIRE', KEYS[1], ARGV[5])

redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[8])
if redis.call('ZADD', KEYS[2], ARGV[4], ARGV[9]) == 1 then
  local surplus = redis.call('ZCARD', KEYS[2]) - ARGV[6]
  -- One more than the surplus is read: the point just saved is never the one to go.
  for _, video in ipairs(surplus > 0 and redis.call('ZRANGE', KEYS[2], 0, surplus) or {}) do
    if surplus > 0 and video ~= ARGV[9] then
      redis.call('DEL', ARGV[10] .. video)
      redis.call('ZREM', KEYS[2], video)
      surplus = surplus - 1
    end
  end
end
redis.call('EXPIRE', KEYS[2], ARGV[5])

if KEYS[3] then
  redis.call('ZADD', KEYS[3], ARGV[4], ARGV[11])
end
return 1
