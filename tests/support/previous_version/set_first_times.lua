-- Adds to a point the times when the video was first watched and first completed. The times come
-- from the archive.
--
-- KEYS[1] resume:<user>:<video>, hash: the point
-- ARGV[1] updatedAt of the point when it was read, ISO 8601
-- ARGV[2] time when the video was first watched, ISO 8601; empty if never
-- ARGV[3] time when the video was first completed, ISO 8601; empty if never
-- returns 1 if the point was changed, 0 if it was saved or deleted since the caller read it

if redis.call('HGET', KEYS[1], 'updatedAt') ~= ARGV[1] then
  return 0
end
if ARGV[2] ~= '' then
  redis.call('HSET', KEYS[1], 'watched', 1, 'watchedAt', ARGV[2])
end
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[1], 'completedAt', ARGV[3])
end
return 1
