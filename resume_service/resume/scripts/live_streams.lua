-- Publishes a change to the open streams of a user. `merge_point.lua` includes this function.
--
-- returns nothing

-- The message is the video. Redis 6.2 has no SPUBLISH. An event must not fail if this fails.
local function publish_if_live(video)
  if KEYS[4] and call('EXISTS', KEYS[4]) == 1
    and type(redis.pcall('SPUBLISH', KEYS[4], video)) == 'table' then
    redis.pcall('PUBLISH', KEYS[4], video)
  end
end
