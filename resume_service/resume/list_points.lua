-- Lists a user's points, newest first, from the user's index alone.
--
-- KEYS[1] recent:<user>, zset: video -> updatedAt in ms
-- ARGV[1] key of a point of this user, up to the video: resume:<user>:
-- ARGV[2] most points to return; 0 for all
-- ARGV[3] start after the point updated then, ms since 1970; empty to start at the newest
-- ARGV[4] start after the point of this video among those updated then
-- ARGV[5] in-progress, watched, or empty for all
-- ARGV[6] percent from which a video counts as watched
-- returns {{video, currentTime, updatedAt, duration, percent, watched, completed}, ...}, with one
--         point more than ARGV[2] asks for when there are more

-- Byte by byte, as the index itself orders members; Lua's own < follows the server's locale.
local function sorts_before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then
      return x < y
    end
  end
  return #a < #b
end

local function is_listed(percent, watched)
  if ARGV[5] == 'watched' then
    return watched == '1'
  elseif ARGV[5] == 'in-progress' then
    return not percent or tonumber(percent) < tonumber(ARGV[6])
  end
  return true
end

local after, most = tonumber(ARGV[3]), tonumber(ARGV[2])
local index = redis.call('ZREVRANGEBYSCORE', KEYS[1], after and ARGV[3] or '+inf', '-inf', 'WITHSCORES')
local points = {}
for i = 1, #index, 2 do
  local video = index[i]
  if not after or tonumber(index[i + 1]) < after or sorts_before(video, ARGV[4]) then
    local point = redis.call('HMGET', ARGV[1] .. video,
      'currentTime', 'updatedAt', 'duration', 'percent', 'watched', 'completed')
    -- An index entry may outlive its point, which expires by itself.
    if point[1] and is_listed(point[4], point[5]) then
      table.insert(point, 1, video)
      points[#points + 1] = point
      if most > 0 and #points > most then
        break
      end
    end
  end
end
return points
