-- Reads what a list of a catalogue's videos needs of all points of a user, in one step. Changes nothing.
--
-- KEYS[1]  recent:<user>, zset: video -> updatedAt in ms
-- KEYS[2]  deleted:<user>, zset: video -> time of the latest deletion in ms
-- ARGV[1]  prefix of the keys of this user's points: resume:<user>:
-- ARGV[2]  a point with this percent or more is not in progress
-- returns  An array of three arrays. The first has the deletions: member, time, and so on. The second
--          has a text for each point without a `state`: video id, time in ms, 1 or 0 for watched, 1
--          or 0 for in progress, and 0 for dismissed, such as `17 1764504000000 100`. The third has
--          the other hashes: member, time in ms, and an array of the values of `FIELDS`. Unknown
--          values are nil. Only videos with a number of at most 18 digits as id are included.

local FIELDS = {'currentTime', 'updatedAt', 'duration', 'percent', 'watched', 'completed', 'device',
  'state'}
local below = tonumber(ARGV[2])
local plain, others = {}, {}

local entries = redis.call('ZREVRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #entries, 2 do
  local member, at = entries[i], entries[i + 1]
  if #member < 19 and string.find(member, '^[1-9]%d*$') then
    local key = ARGV[1] .. member
    local values = redis.pcall('HMGET', key, 'currentTime', 'percent', 'watched', 'state')
    -- An error: another program has written a key of another type.
    if not values.err and values[4] then
      local size = #others
      others[size + 1], others[size + 2] = member, at
      others[size + 3] = redis.call('HMGET', key, unpack(FIELDS))
    elseif not values.err and tonumber(values[1] or nil) then
      local in_progress = tonumber(values[1]) > 0 and (tonumber(values[2] or 0) or 0) < below
      plain[#plain + 1] = member .. ' ' .. at .. ' ' .. (values[3] == '1' and '1' or '0')
        .. (in_progress and '1' or '0') .. '0'
    end
  end
end

return {redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES'), plain, others}
