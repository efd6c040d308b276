-- Tells a point what only the archive still knew: when it was first watched and completed.
--
-- KEYS[1] resume:<user>:<video>, hash: the point
-- ARGV[1] updatedAt of the point that was archived, ISO 8601
-- ARGV[2] when first watched, ISO 8601; empty when never
-- ARGV[3] when first completed, ISO 8601; empty when never
-- returns 1 when the point is still the one that was archived, else 0: then it is archived again

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
