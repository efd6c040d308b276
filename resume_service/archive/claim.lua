-- Claims entries of the backlog for a flush: replaces their scores with the number of the claim.
-- Claims the entries of a crashed flush first, because they have negative scores. Then claims the
-- oldest entries.
--
-- KEYS[1] archive:dirty or archive:erased, zset: <user>:<video> -> ms since 1970
-- ARGV[1] number of the claim: a negative number that no other flush uses
-- ARGV[2] maximum number of entries to claim
-- returns the claimed members, each followed by its score before the claim. A later save or deletion
--         of a point sets its score to a time again. Then the flush must not remove the entry of this
--         point.

local claimed = redis.call('ZRANGE', KEYS[1], 0, ARGV[2] - 1, 'WITHSCORES')
for index = 1, #claimed, 2 do
  redis.call('ZADD', KEYS[1], ARGV[1], claimed[index])
end
return claimed
