-- Parses the values of a point. `merge_point.lua` includes these functions.
--
-- returns nothing

-- The time of a text that `iso` has written. Nil if another program has written another format.
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
