-- Claims entries of the backlog for a flush: first those of a crashed flush, then the oldest.
--
-- KEYS[1] archive:dirty or archive:erased, zset: <user>:<video> -> ms since 1970
-- ARGV[1] the claim: a negative number that no other flush uses
-- ARGV[2] the largest number of entries to claim
-- returns the members that were claimed. Their score is now the claim. A later save or deletion
--         sets the score to a time again. Then the flush must not remove the entry.

local entries = redis.call('ZRANGE', KEYS[1], 0, ARGV[2] - 1)
for _, entry in ipairs(entries) do
  redis.call('ZADD', KEYS[1], ARGV[1], entry)
end
return entries
