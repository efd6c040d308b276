-- Deletes a point and its index entry. Records the deletion for the archive.
--
-- KEYS[1] resume:<user>:<video>, hash: the point
-- KEYS[2] recent:<user>, zset: video -> updatedAt in ms
-- KEYS[3] archive:dirty, zset: <user>:<video> -> updatedAt in ms; absent without an archive
-- KEYS[4] archive:erased, zset: <user>:<video> -> time of deletion in ms; absent without an archive
-- ARGV[1] video, as in the index
-- ARGV[2] now, ms since 1970
-- ARGV[3] member of archive:dirty and archive:erased
-- returns 1 if the point existed, else 0

if redis.call('DEL', KEYS[1]) == 0 then
  return 0
end
redis.call('ZREM', KEYS[2], ARGV[1])
if KEYS[3] then
  redis.call('ZREM', KEYS[3], ARGV[3])
  redis.call('ZADD', KEYS[4], ARGV[2], ARGV[3])
end
return 1
