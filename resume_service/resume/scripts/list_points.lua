-- Reads many points of a user. One reply has the index and the points, because both are large.
--
-- KEYS[1] recent:<user>, zset: video -> updatedAt in ms
-- ARGV[1] highest updatedAt, ms since 1970, or +inf
-- ARGV[2] prefix of the keys of this user's points: resume:<user>:
-- ARGV[3] and all further arguments: the fields to read
-- returns an array for each entry of the index, the newest first: the member, updatedAt in ms, and
--         an array with the values of the fields. Unknown values are nil. If the key has another
--         type, nil in place of the array.

local entries = redis.call('ZREVRANGEBYSCORE', KEYS[1], ARGV[1], '-inf', 'WITHSCORES')
local points = {}
for index = 1, #entries, 2 do
  local values = redis.pcall('HMGET', ARGV[2] .. entries[index], unpack(ARGV, 3))
  points[#points + 1] = {entries[index], entries[index + 1], not values.err and values or false}
end
return points
