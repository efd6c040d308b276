-- Functions for the state of a point. `merge_point.lua` includes them. They use no key of Redis.
--
-- A state is a table: name -> {time in ms, value as text}. A name without an event is missing.
--   position     latest save: s. The third item is the device, or nil.
--   rate         latest rate: percent
--   sent         latest duration from a player: s
--   usual        duration in the catalogue, as it came with the latest rate: s
--   qualified    latest event that makes the video watched
--   marked       latest watched mark
--   unwatched, dismissed, undismissed: latest mark of this name
--   watchedAt    earliest event that makes the video watched
--   completedAt  earliest event at 100 %
--   previous     position before a save moved it back by more than a minute: s
--
-- The hash has the fields watchedAt and completedAt. Its field `state` has the others as JSON: [time,
-- value], or only the time. `previous` is [value, time]. `shown` is the time in updatedAt when this
-- script wrote the hash. If updatedAt has another time, the previous version of the service has saved
-- the point since.
--
-- returns nothing

local PAIRS = {'position', 'rate', 'sent', 'usual'}
local TIMES = {'qualified', 'marked', 'unwatched', 'dismissed', 'undismissed'}
local EARLIEST = {watchedAt = true, completedAt = true}

local function is_later(new, old)
  if not old or new[1] ~= old[1] then
    return not old or new[1] > old[1]
  end
  local value, old_value = number(new[2]) or 0, number(old[2]) or 0
  return value > old_value or value == old_value and (new[3] or '') > (old[3] or '')
end

local function join(state, event)
  for name, new in pairs(event) do
    local old = state[name]
    if EARLIEST[name] then
      state[name] = old and old[1] <= new[1] and old or new
    elseif is_later(new, old) then
      state[name] = new
    end
  end
end

-- Drops what a deletion at `deleted` and the unwatched mark cancel.
local function cancel(state, deleted)
  for name, item in pairs(state) do
    if item[1] <= deleted then
      state[name] = nil
    end
  end
  local unwatched = state.unwatched and state.unwatched[1] or deleted
  for _, name in ipairs({'qualified', 'watchedAt'}) do
    if state[name] and state[name][1] <= unwatched then
      state[name] = nil
    end
  end
  if state.watchedAt and is_later(state.watchedAt, state.qualified) then
    state.qualified = state.watchedAt
  end
  state.watchedAt = state.watchedAt or state.qualified
end

-- The state that the fields without `state` express. `at` is the time in updatedAt.
local function plain(fields, at)
  local rate, state = fields.rate or not fields.duration and fields.percent, {}
  local duration = (number(fields.duration) or 0) > 0 and {at, fields.duration} or nil
  local position = {at, fields.currentTime, fields.device}
  if number(rate) and number(rate) == number(fields.percent) then
    state.rate, state.usual = {at, rate}, duration
    if not duration and number(fields.currentTime) ~= 0 then
      position[1] = at - 1 -- a save before the rate
      state.position = position
    end
  else
    state.position, state.sent = position, duration
  end
  if fields.watched == '1' then
    state.qualified = {at}
  end
  return state
end

-- The state of a hash. If a time is after `now`, the clock was ahead when the time was stored. Then it
-- becomes `newest` - 1. `newest` is the time of the stored point, else `now`.
local function decode(fields, now, newest)
  local at, state = number(fields.currentTime) and ms_of(fields.updatedAt), {}
  local is_json, json = pcall(cjson.decode, fields.state or 'null')
  if is_json and type(json) == 'table' then
    for _, name in ipairs(PAIRS) do
      local item = json[name]
      if type(item) == 'table' and number(item[1]) and number(item[2]) then
        state[name] = item
      end
    end
    for _, name in ipairs(TIMES) do
      state[name] = number(json[name]) and {number(json[name])}
    end
    local previous = json.previous
    if type(previous) == 'table' and number(previous[1]) and number(previous[2]) then
      state.previous = {previous[2], previous[1]}
    end
    if state.position then
      state.position[3] = fields.device
    end
  else
    json = {}
  end
  if at and json.shown ~= at then
    join(state, plain(fields, at))
  end
  for name in pairs(EARLIEST) do
    local earliest = ms_of(fields[name])
    state[name] = earliest and {earliest, text = fields[name]}
  end
  for _, item in pairs(state) do
    if item[1] > now then
      item[1], item.text = newest - 1, nil
    end
  end
  return state
end

-- Returns position, time, percent and duration as a response shows them. Nil: there is no point.
local function shown(state)
  local position, rate, duration = state.position, state.rate, (state.sent or state.usual or {})[2]
  if rate and not (position and position[1] >= rate[1]) then
    local seconds = position_of(rate[2], duration) or position and position[2] or '0'
    return seconds, rate[1], string.format('%.2f', rate[2]), duration
  elseif position then
    local percent = duration and percent_of(number(position[2]), number(duration))
    return position[2], position[1], percent, duration
  elseif state.marked then
    return '0', state.marked[1]
  end
end

-- Returns whether the fields without `state` express the state of a point at the time `at`.
local function is_plain(state, at, percent)
  for _, name in ipairs({'marked', 'unwatched', 'dismissed', 'undismissed', 'previous'}) do
    if state[name] then
      return false
    end
  end
  local duration = state.rate and state.usual or state.sent
  return (not state.qualified or state.qualified[1] == at) and (not duration or duration[1] == at)
    and not (state.rate and (state.position or state.sent) or not state.rate and state.usual)
    and (not state.rate or tonumber(state.rate[2]) == tonumber(percent))
end

-- Returns the fields of a hash with this state, and the time by which the index orders it.
local function encode(state)
  prune(state)
  local position, at, percent, duration = shown(state)
  local fields, parts, latest = {device = state.position and state.position[3]}, {}, at or 0
  if at then
    state.completedAt = state.completedAt or percent == '100.00' and {at} or nil
    fields.currentTime, fields.updatedAt = position, iso(at)
    fields.duration, fields.percent = duration, percent
    fields.watched = state.qualified and '1' or percent and '0'
    fields.completed = percent and (percent == '100.00' and '1' or '0')
    for name in pairs(EARLIEST) do
      fields[name] = state[name] and (state[name].text or iso(state[name][1]))
    end
    if is_plain(state, at, percent) then
      fields.rate = state.rate and state.rate[2]
      return fields, at
    end
    parts[1] = string.format('"shown":%d', at)
  end
  for _, name in ipairs(PAIRS) do
    parts[#parts + 1] = state[name]
      and string.format('"%s":[%d,"%s"]', name, state[name][1], state[name][2])
  end
  for _, name in ipairs(TIMES) do
    parts[#parts + 1] = state[name] and string.format('"%s":%d', name, state[name][1])
    latest = at and at or math.max(latest, state[name] and state[name][1] or 0)
  end
  if state.previous then
    parts[#parts + 1] = string.format('"previous":["%s",%d]', state.previous[2], state.previous[1])
  end
  fields.state = parts[1] and '{' .. table.concat(parts, ',') .. '}'
  return fields, latest
end
