-- Deletes a point and its entry in the index. If the service has an archive, also adds the deletion
-- to the archive's backlog. Then the next flush deletes the archived row.
--
-- KEYS[1] resume:<user>:<video>, hash: the point
-- KEYS[2] recent:<user>, zset: video -> updatedAt in ms
-- KEYS[3] archive:dirty, zset: <user>:<video> -> updatedAt in ms
-- KEYS[4] archive:erased, zset: <user>:<video> -> time of deletion in ms
--         KEYS[3] and KEYS[4] are missing without an archive and in a cluster.
-- ARGV[1] member of recent:<user>
-- ARGV[2] time of deletion, ms since 1970
-- ARGV[3] member of archive:dirty and archive:erased
-- returns ARGV[2] as a number if the point existed, else its negative. So the caller can check that
--         the result is its own.

if redis.call('DEL', KEYS[1]) == 0 then
  return -ARGV[2]
end
redis.call('ZREM', KEYS[2], ARGV[1])
if KEYS[3] then
  redis.call('ZREM', KEYS[3], ARGV[3])
  redis.call('ZADD', KEYS[4], ARGV[2], ARGV[3])
end
return tonumber(ARGV[2])
