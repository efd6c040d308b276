-- The time of the event. `merge_point.lua` includes this text, and describes its arguments.
--
-- returns nothing. Sets `now`, `second` (its text, or empty), and `at`, the time of the event

-- An event that is executed so many ms after its latest possible arrival was held back on its way. Its
-- caller may have got a 503 by then, and a newer save may be acknowledged.
local HELD_BACK = 50
local now, second = tonumber(ARGV[4]), ''
local arrival = now
if not now then
  local clock = call('TIME')
  second = clock[1]
  now = second * 1000 + math.floor(clock[2] / 1000)
  local latest = tonumber((string.gsub(ARGV[4], '<', '')))
  arrival = latest and latest < now - HELD_BACK and latest or now
end
local at = ARGV[3] == '0' and arrival or arrival - ARGV[3]
