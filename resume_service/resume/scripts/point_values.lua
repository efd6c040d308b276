-- Converts the values of a point. `merge_point.lua` includes these functions.
--
-- returns nothing

-- Percent with two decimals. It is 100.00 only at the end.
local function percent_of(position, duration)
  if tonumber(position) >= tonumber(duration) then
    return '100.00'
  end
  local percent = string.format('%.2f', 100 * position / duration)
  return percent == '100.00' and '99.99' or percent
end

-- The text of a time, such as 2026-11-20T10:00:00.000Z. A year starts in March here, so that the leap
-- day is its last day.
local function iso(ms)
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

-- The time of such a text. Nil if another program has written it in another format.
local function ms_of(text)
  local year, month, day, hour, minute, second = string.match(text or '',
    '^(%d%d%d%d)-(%d%d)-(%d%d)T(%d%d):(%d%d):(%d%d%.%d%d%d)Z$')
  if not year then
    return nil
  elseif tonumber(month) < 3 then
    year, month = year - 1, month + 12
  end
  local days = 365 * year + math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
    + math.floor((153 * month - 457) / 5) + day - 719469
  return (days * 1440 + hour * 60 + minute) * 60000 + math.floor(second * 1000 + 0.5)
end

-- Nil if the text is no finite number.
local function number(text)
  local value = tonumber(text or nil)
  return value and value - value == 0 and value or nil
end
