-- Saves a measurement, unless the stored point was measured later. A measurement is a position in a
-- video, or a rate: the watched part of the video in percent. If the script fails, nothing changes.
-- This script contains all rules of a save. They concern the order of saves, `percent`, `watched`,
-- `completed`, and the maximum number of points.
--
-- KEYS[1]  resume:<user>:<video>, hash: the point
-- KEYS[2]  recent:<user>, zset: video -> updatedAt in ms
-- KEYS[3]  archive:dirty, zset: <user>:<video> -> updatedAt in ms
--          KEYS[3] is missing without an archive and in a cluster.
-- ARGV[1]  position, s; empty if a rate was measured
-- ARGV[2]  duration, s; empty if the player does not know it
-- ARGV[3]  time of the measurement, ISO 8601
-- ARGV[4]  time of the measurement, ms since 1970
-- ARGV[5]  time to live of the point, s
-- ARGV[6]  maximum number of points of a user
-- ARGV[7]  a video is watched when its percent reaches this value
-- ARGV[8]  ms since 1970; points with an earlier updatedAt have expired
-- ARGV[9]  member of recent:<user>
-- ARGV[10] prefix of the keys of this user's points: resume:<user>:
-- ARGV[11] member of archive:dirty
-- ARGV[12] rate, percent; empty if a position was measured
-- ARGV[13] duration in the catalogue, s; empty if unknown. Used if a rate was measured, ARGV[2] is
--          empty, and the stored point has no duration.
-- ARGV[14] 1 to return the point, else empty
-- returns  ARGV[4] as a number if the measurement was saved. The negative of this number if the
--          stored point was measured later. So the caller can check that the result is its own.
--          If ARGV[14] is 1, the script returns an array of eight values instead. The first value
--          is this number. The second value is 1 if the point is new, else 0. The others are the
--          point after the save: currentTime, updatedAt, duration, percent, watched, completed.
--          Unknown values are nil.

local stored = redis.call('HMGET', KEYS[1], 'updatedAt', 'duration', 'watchedAt', 'completedAt',
  'percent')

local function point()
  return unpack(redis.call('HMGET', KEYS[1], 'currentTime', 'updatedAt', 'duration', 'percent',
    'watched', 'completed'))
end

if stored[1] and stored[1] > ARGV[3] then
  return ARGV[14] == '' and -ARGV[4] or {-ARGV[4], 0, point()}
end

local position = ARGV[1]
local duration = ARGV[2] ~= '' and ARGV[2] or stored[2]
-- Rounded to two decimals, because the APIs return two decimals. `watched` and `completed` depend
-- on the rounded value. Nil if unknown.
local percent
if ARGV[12] ~= '' then
  percent = string.format('%.2f', ARGV[12])
  duration = duration or ARGV[13] ~= '' and ARGV[13]
  -- Round to a millisecond. Remove trailing zeros, because ARGV[1] has no trailing zeros either.
  position = duration and string.format('%.3f', ARGV[12] * duration / 100):gsub('%.?0+$', '')
    or redis.call('HGET', KEYS[1], 'currentTime') or '0'
elseif duration then
  percent = string.format('%.2f', math.min(100, 100 * ARGV[1] / duration))
end

-- The first command that changes data must be HSET. If Redis has no memory left, it rejects HSET,
-- and then nothing has changed.
local watched, completed
if percent then
  local is_watched = tonumber(percent) >= tonumber(ARGV[7])
  local is_completed = percent == '100.00'
  watched, completed = (is_watched or stored[3]) and '1' or '0', is_completed and '1' or '0'
  -- If the duration is unknown, this command writes `percent` twice. To build a table of the fields
  -- would take more time.
  redis.call('HSET', KEYS[1], 'currentTime', position, 'updatedAt', ARGV[3],
    duration and 'duration' or 'percent', duration or percent, 'percent', percent,
    'watched', watched, 'completed', completed)
  -- Write these two times only once: they are the times of the first save that reached the value.
  if is_watched and not stored[3] then
    redis.call('HSET', KEYS[1], 'watchedAt', ARGV[3])
  end
  if is_completed and not stored[4] then
    redis.call('HSET', KEYS[1], 'completedAt', ARGV[3])
  end
else
  redis.call('HSET', KEYS[1], 'currentTime', position, 'updatedAt', ARGV[3])
  if stored[5] then
    -- The stored percent came from a rate. A position without a duration has no percent. So delete
    -- `percent` and `completed`, and delete `watched` unless it is 1.
    redis.call('HDEL', KEYS[1], 'percent', 'completed', stored[3] and 'percent' or 'watched')
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[5])

redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[8])
if redis.call('ZADD', KEYS[2], ARGV[4], ARGV[9]) == 1 then
  local surplus = redis.call('ZCARD', KEYS[2]) - ARGV[6]
  -- Read one more than the surplus, because the loop skips the point that was just saved.
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

local saved = tonumber(ARGV[4])
if ARGV[14] == '' then
  return saved
elseif not percent then
  return {saved, stored[1] and 0 or 1, point()}
end
return {saved, stored[1] and 0 or 1, position, ARGV[3], duration or false, percent, watched, completed}
