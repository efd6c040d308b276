-- Adds first times from the archive to a point: first watched and first completed.
--
-- KEYS[1] resume:<user>:<video>, hash: the point
-- ARGV[1] updatedAt of the point when it was read, ISO 8601
-- ARGV[2] first watched at, ISO 8601; empty if never
-- ARGV[3] first completed at, ISO 8601; empty if never
-- returns 1 if applied, 0 if the point was saved again since it was read

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
