-- Reads a user's points in progress in one step, newest first. Changes nothing.
--
-- KEYS[1]  recent:<user>, zset: video -> updatedAt in ms
-- ARGV[1]  prefix of the keys of this user's points: resume:<user>:
-- ARGV[2]  a point with this percent or more is not in progress
-- ARGV[3]  maximum number of points to return; empty: no maximum
-- returns  An array: 1 if no further point is in progress, else 0; then for each point the member of
--          the index, and an array of the values of `FIELDS`. Unknown values are nil. The points
--          may be dismissed.

local FIELDS = {'currentTime', 'updatedAt', 'duration', 'percent', 'watched', 'completed', 'device',
  'state'}
local below, most = tonumber(ARGV[2]), tonumber(ARGV[3]) or math.huge
local result, start, members = {1}, 0, nil

repeat
  members = redis.call('ZREVRANGE', KEYS[1], start, start + 99)
  start = start + 100
  for _, member in ipairs(members) do
    local key = ARGV[1] .. member
    -- The rule is the same as `is_begun` in merge_state.py. Most points are watched: so the percent
    -- alone excludes them, in two thirds of the time.
    local percent = redis.pcall('HGET', key, 'percent')
    -- A table is an error: another program has written a key of another type.
    if type(percent) ~= 'table' and (tonumber(percent or 0) or 0) < below
      and (tonumber(redis.call('HGET', key, 'currentTime') or 0) or 0) > 0 then
      if #result > 2 * most then
        result[1] = 0
        return result
      end
      local size = #result
      result[size + 1], result[size + 2] = member, redis.call('HMGET', key, unpack(FIELDS))
    end
  end
until #members < 100

return result
