-- Claims entries of the backlog for a flush: replaces their scores with the number of the claim.
-- Claims the entries of a crashed flush first, because they have negative scores. Then claims the
-- oldest entries. A score keeps its fraction (see `backlog_entry.py`).
--
-- KEYS[1] archive:dirty or archive:erased, zset: <user>:<video> -> ms since 1970, and a fraction
-- ARGV[1] number of the claim: a negative number that no other flush uses
-- ARGV[2] maximum number of entries to claim
-- returns the claimed members, each followed by its score before the claim. A later save or deletion
--         of a point sets its score to a time again. Then the flush must not remove the entry of this
--         point.

local claimed = redis.call('ZRANGE', KEYS[1], 0, ARGV[2] - 1, 'WITHSCORES')
for index = 1, #claimed, 2 do
  local fraction = claimed[index + 1] % 1
  redis.call('ZADD', KEYS[1], string.format('%.2f', ARGV[1] + fraction), claimed[index])
end
return claimed
