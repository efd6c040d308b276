-- Formats the values of a point. `merge_point.lua` includes these functions.
--
-- returns nothing

-- Percent of numbers, with two decimals. It is 100.00 only at the end.
local function percent_of(position, duration)
  if position >= duration then
    return '100.00'
  end
  local percent = string.format('%.2f', 100 * position / duration)
  return percent == '100.00' and '99.99' or percent
end

-- The position in s by a rate in percent, rounded to a millisecond, without trailing zeros.
local function position_of(rate, duration)
  return duration and string.format('%.3f', rate * duration / 100):gsub('%.?0+$', '') or nil
end

-- The text of a time, such as 2026-11-20T10:00:00.000Z. The caller has computed the text of the
-- current second, because most calls need it. A year starts in March here, so that the leap day is
-- its last day.
local function iso(ms)
  if ms == now and second == ARGV[15] then
    return string.format('%s%03dZ', ARGV[16], ms % 1000)
  end
  local quarters = 4 * math.floor(ms / 86400000) + 2877875
  local rest = 4 * math.floor(quarters % 146097 / 4) + 3
  local year = 100 * math.floor(quarters / 146097) + math.floor(rest / 1461)
  local day = 5 * math.floor(rest % 1461 / 4) + 461
  local month = math.floor(day / 153)
  if month > 12 then
    year, month = year + 1, month - 12
  end
  return string.format('%04d-%02d-%02dT%02d:%02d:%06.3fZ', year, month,
    math.floor(day % 153 / 5) + 1, math.floor(ms / 3600000) % 24, math.floor(ms / 60000) % 60,
    ms % 60000 / 1000)
end
