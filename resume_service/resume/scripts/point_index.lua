-- Keeps the index of a user's points. `merge_point.lua` includes these functions.
--
-- returns nothing

-- The text of a time for ZADD. To convert a number, Redis needs four times as long.
local function score_of(ms)
  return string.format('%d', ms)
end

-- Limits the index after a point was added. Returns whether this point is one of the newest.
local function stays_in_index()
  local oldest, point_keys = call('ZRANGE', KEYS[2], 0, 9), {}
  for index, video in ipairs(oldest) do
    point_keys[index] = ARGV[9] .. video
  end
  if call('EXISTS', unpack(point_keys)) < #oldest then -- some have expired
    for index, video in ipairs(oldest) do
      if call('EXISTS', point_keys[index]) == 0 then
        call('ZREM', KEYS[2], video)
      end
    end
  end
  local surplus, stays = call('ZCARD', KEYS[2]) - ARGV[6], true
  for _, video in ipairs(surplus > 0 and call('ZRANGE', KEYS[2], 0, surplus - 1) or {}) do
    call('DEL', ARGV[9] .. video)
    call('ZREM', KEYS[2], video)
    if video == ARGV[8] then
      stays = false
    else
      publish_if_live(video)
    end
  end
  return stays
end
