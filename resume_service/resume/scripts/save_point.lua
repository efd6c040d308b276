-- Saves a measurement, unless the stored point was measured later. Changes everything or nothing.
-- All rules of a save are here: order, percent, watched, completed, maximum number of points.
--
-- KEYS[1]  resume:<user>:<video>, hash: the point
-- KEYS[2]  recent:<user>, zset: video -> updatedAt in ms
-- KEYS[3]  archive:dirty, zset: <user>:<video> -> updatedAt in ms; absent without an archive
-- ARGV[1]  position, s; empty if a rate was measured
-- ARGV[2]  duration, s; empty if the player does not know it
-- ARGV[3]  measured at, ISO 8601
-- ARGV[4]  measured at, ms since 1970
-- ARGV[5]  time to live of the point, s
-- ARGV[6]  maximum number of points of a user
-- ARGV[7]  percent from which a video counts as watched
-- ARGV[8]  points saved before this time have expired, ms since 1970
-- ARGV[9]  video, as in the index
-- ARGV[10] prefix of the keys of this user's points: resume:<user>:
-- ARGV[11] member of archive:dirty
-- ARGV[12] rate, percent; empty if a position was measured
-- ARGV[13] duration for a rate if the point has none, s; empty if unknown
-- ARGV[14] 1 to return the point, else empty
-- returns  1 if applied, 0 if the stored point is newer. With ARGV[14], an array: this number, 1 if
--          the point is new, else 0, then the point after the save. The point is currentTime,
--          updatedAt, duration, percent, watched, completed. An unknown value is nil.

local stored = redis.call('HMGET', KEYS[1], 'updatedAt', 'duration', 'watchedAt', 'completedAt',
  'percent')

local function point()
  return unpack(redis.call('HMGET', KEYS[1], 'currentTime', 'updatedAt', 'duration', 'percent',
    'watched', 'completed'))
end

if stored[1] and stored[1] > ARGV[3] then
  return ARGV[14] == '' and 0 or {0, 0, point()}
end

local position = ARGV[1]
local duration = ARGV[2] ~= '' and ARGV[2] or stored[2]
-- Rounded to two decimals, as the APIs show it. The flags use this value. Nil if unknown.
local percent
if ARGV[12] ~= '' then
  percent = string.format('%.2f', ARGV[12])
  duration = duration or ARGV[13] ~= '' and ARGV[13]
  -- Rounded to a millisecond. Without trailing zeros, like the numbers from callers.
  position = duration and string.format('%.3f', ARGV[12] * duration / 100):gsub('%.?0+$', '')
    or redis.call('HGET', KEYS[1], 'currentTime') or '0'
elseif duration then
  percent = string.format('%.2f', math.min(100, 100 * ARGV[1] / duration))
end

-- HSET comes first: a full Redis rejects it before anything has changed.
local watched, completed
if percent then
  local is_watched = tonumber(percent) >= tonumber(ARGV[7])
  local is_completed = percent == '100.00'
  watched, completed = (is_watched or stored[3]) and '1' or '0', is_completed and '1' or '0'
  -- Without a duration, percent is written twice: a table of fields would cost more.
  redis.call('HSET', KEYS[1], 'currentTime', position, 'updatedAt', ARGV[3],
    duration and 'duration' or 'percent', duration or percent, 'percent', percent,
    'watched', watched, 'completed', completed)
  -- Later saves do not change the first time.
  if is_watched and not stored[3] then
    redis.call('HSET', KEYS[1], 'watchedAt', ARGV[3])
  end
  if is_completed and not stored[4] then
    redis.call('HSET', KEYS[1], 'completedAt', ARGV[3])
  end
else
  redis.call('HSET', KEYS[1], 'currentTime', position, 'updatedAt', ARGV[3])
  if stored[5] then
    -- The stored percent came from a rate. Now percent is unknown. `watched` stays if true.
    redis.call('HDEL', KEYS[1], 'percent', 'completed', stored[3] and 'percent' or 'watched')
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[5])

redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[8])
if redis.call('ZADD', KEYS[2], ARGV[4], ARGV[9]) == 1 then
  local surplus = redis.call('ZCARD', KEYS[2]) - ARGV[6]
  -- Read one more than the surplus: the point just saved is never deleted.
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

if ARGV[14] == '' then
  return 1
elseif not percent then
  return {1, stored[1] and 0 or 1, point()}
end
return {1, stored[1] and 0 or 1, position, ARGV[3], duration or false, percent, watched, completed}
