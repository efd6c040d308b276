-- Claims marks for a flush: those of a flush that died first, then the oldest.
--
-- KEYS[1] archive:dirty or archive:erased, zset: <user>:<video> -> ms
-- ARGV[1] the claim: a negative number that no other flush uses
-- ARGV[2] most marks to claim
-- returns the members claimed. Their score is the claim now; a save or deletion that comes meanwhile
--         gives a mark a time again, which tells that there is more to archive than was read.

local marks = redis.call('ZRANGE', KEYS[1], 0, ARGV[2] - 1)
for _, mark in ipairs(marks) do
  redis.call('ZADD', KEYS[1], ARGV[1], mark)
end
return marks
