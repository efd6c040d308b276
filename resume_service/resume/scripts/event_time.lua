-- The time of the event. `merge_point.lua` includes this text, and describes its arguments.
--
-- returns nothing. Sets `now`, `second` (its text, or empty), and `at`, the time of the event

local now, second = tonumber(ARGV[4]), ''
local arrival = now
if not now then
  local clock = call('TIME')
  second = clock[1]
  now = second * 1000 + math.floor(clock[2] / 1000)
  -- An event that is executed after its deadline was held back on its way. Its caller has got a 503,
  -- and a newer save may be acknowledged. A newer save has a time after this deadline.
  arrival = math.min(now, tonumber((string.gsub(ARGV[4], '<', ''))) or now)
end
local at = ARGV[3] == '0' and arrival or arrival - ARGV[3]
