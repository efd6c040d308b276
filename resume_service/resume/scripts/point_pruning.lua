-- The function that drops what can't matter again from a state (see `point_state.lua`).
-- `merge_point.lua` includes it. It uses no key of Redis.
--
-- returns nothing

local function prune(state)
  local position, rate = state.position, state.rate
  local saved = math.max(position and position[1] or -1, rate and rate[1] or -1)
  for _, name in ipairs({'dismissed', 'undismissed'}) do
    if state[name] and state[name][1] <= saved then
      state[name] = nil
    end
  end
  -- A watched mark completes a lesson, also after later saves. Only an unwatched mark cancels it.
  local unwatched = state.unwatched and state.unwatched[1] or -1
  if state.marked and state.marked[1] <= math.min(saved, unwatched) then
    state.marked = nil
  end
  if rate and position and position[1] == saved then
    state.rate = nil
  end
  if state.usual and state.sent and state.sent[1] >= state.usual[1] then
    state.usual = nil
  end
end
