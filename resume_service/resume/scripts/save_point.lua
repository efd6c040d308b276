-- Saves a measurement, unless the stored point was measured later. All of it or nothing.
-- The only place where the rules of a save stand: order, percent, watched, completed, cap.
--
-- KEYS[1]  resume:<user>:<video>, hash: the point
-- KEYS[2]  recent:<user>, zset: video -> updatedAt in ms
-- KEYS[3]  archive:dirty, zset: <user>:<video> -> updatedAt in ms; absent without an archive
-- ARGV[1]  position, s; empty when a rate was measured in its place
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
-- ARGV[12] rate, percent; empty when a position was measured
-- ARGV[13] duration for a rate where the point knows none, s; empty when nobody knows one
-- ARGV[14] 1 when the caller wants to know the point, else empty
-- returns  1 when applied, 0 when the stored point is newer; to who wants to know the point: that,
--          1 when there was none before, else 0, then the point as it stands now: currentTime,
--          updatedAt, duration, percent, watched and completed, nil for what it has not

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
-- As it is shown, rounded to two decimals: the flags follow that. Nil when nobody can know it.
local percent
if ARGV[12] ~= '' then
  percent = string.format('%.2f', ARGV[12])
  duration = duration or ARGV[13] ~= '' and ARGV[13]
  -- To the millisecond, written as a caller's numbers are: without zeros at the end.
  position = duration and string.format('%.3f', ARGV[12] * duration / 100):gsub('%.?0+$', '')
    or redis.call('HGET', KEYS[1], 'currentTime') or '0'
elseif duration then
  percent = string.format('%.2f', math.min(100, 100 * ARGV[1] / duration))
end

-- HSET comes first: on a full Redis it is refused before anything has changed.
local watched, completed
if percent then
  local is_watched = tonumber(percent) >= tonumber(ARGV[7])
  local is_completed = percent == '100.00'
  watched, completed = (is_watched or stored[3]) and '1' or '0', is_completed and '1' or '0'
  -- Where there is no duration to write, percent stands twice: a table of fields costs more.
  redis.call('HSET', KEYS[1], 'currentTime', position, 'updatedAt', ARGV[3],
    duration and 'duration' or 'percent', duration or percent, 'percent', percent,
    'watched', watched, 'completed', completed)
  -- The first time is kept for good.
  if is_watched and not stored[3] then
    redis.call('HSET', KEYS[1], 'watchedAt', ARGV[3])
  end
  if is_completed and not stored[4] then
    redis.call('HSET', KEYS[1], 'completedAt', ARGV[3])
  end
else
  redis.call('HSET', KEYS[1], 'currentTime', position, 'updatedAt', ARGV[3])
  if stored[5] then
    -- A rate came before: nothing tells how far this position is. Having watched it stays.
    redis.call('HDEL', KEYS[1], 'percent', 'completed', stored[3] and 'percent' or 'watched')
  end
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

if ARGV[14] == '' then
  return 1
elseif not percent then
  return {1, stored[1] and 0 or 1, point()}
end
return {1, stored[1] and 0 or 1, position, ARGV[3], duration or false, percent, watched, completed}
