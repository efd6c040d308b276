-- Merges one event into a point. In any order of arrival, the same events give the same point. An
-- event is a save, a rate, a deletion, a mark, or an archived point. If the script fails, nothing
-- changes.
--
-- The *state* of a point is the latest time and value of each kind of event, and the earliest times
-- of being watched and completed (see `point_state.lua`). An event is a small state. To merge it,
-- take the latest of each. Then drop what a deletion or an unwatched mark cancels. A hash has the
-- field `state` only if its other fields can't express the state.
--
-- KEYS[1]  resume:<user>:<video>, hash: the point
-- KEYS[2]  recent:<user>, zset: video -> updatedAt in ms
-- KEYS[3]  deleted:<user>, zset: video -> time of the latest deletion in ms
-- KEYS[4]  live:<user>, zset: open streams; also the name of their channel. Missing for a restore.
-- KEYS[5]  archive:dirty, zset: <user>:<video> -> arrival of the latest save or mark in ms
-- KEYS[6]  archive:erased, zset: <user>:<video> -> time of the latest deletion in ms, + 0.5 (see
--          `backlog_entry.py`)
--          KEYS[5] and KEYS[6] are missing without an archive and in a cluster. A save and a rate
--          don't need KEYS[6].
-- ARGV[1]  save, rate, delete, watched, unwatched, dismissed, undismissed, or merge for an archived
--          point
-- ARGV[2]  a number above 0 that identifies this call. The result contains it.
-- ARGV[3]  age of the event, ms: the time from its measurement to its arrival
-- ARGV[4]  arrival, ms since 1970; or `<` and the deadline of the call by the clock of this Redis; or
--          empty. Without the arrival, it is the time of this Redis, but not after the deadline.
-- ARGV[5]  time to live of the point, s
-- ARGV[6]  maximum number of a user's points, and of a user's deletions
-- ARGV[7]  a video is watched when its percent reaches this value
-- ARGV[8]  member of recent:<user> and deleted:<user>
-- ARGV[9]  prefix of the keys of this user's points: resume:<user>:
-- ARGV[10] member of archive:dirty and archive:erased
-- ARGV[11] 1 to return the point, else empty
-- ARGV[12] save: position, s. rate: percent. merge: the fields of a hash, JSON
-- ARGV[13] save and rate: duration, s; empty if the player does not know it. merge: time of the
--          deletion in the archive, ms since 1970, or 0
-- ARGV[14] save: name of the device; empty if unknown. rate: duration in the catalogue, s, or empty
-- ARGV[15] save and rate: the current second by the clock of the caller, s since 1970
-- ARGV[16] save and rate: the start of the text of this second, such as 2026-11-20T10:00:00. If the
--          clock of Redis shows the same second, the script does not compute this text.
-- returns  A number: ARGV[2] if a save or a rate is now the latest, or if another event has changed
--          anything. Else the negative of ARGV[2]. So the caller can check that the result is its
--          own. A deletion and a mark return an array: this number; 1 if a point existed before,
--          else 0; the time of the deletion before in ms, else 0; the time of the event in ms. If
--          ARGV[11] is 1, the others return an array: this number; 1 if the point is new, else 0;
--          eight of `FIELDS`.

local INDEX_EXTRA = 3600 -- s: the index lives longer, so a save renews it only once an hour
local call, kind = redis.call, ARGV[1]

-- include event_time.lua
-- include point_texts.lua
-- include live_streams.lua
-- include point_index.lua

-- The first command that changes data must be HSET or DEL. If Redis has no memory left, it rejects
-- HSET, and then nothing has changed.

-- include plain_save.lua
-- include point_parsing.lua
-- include point_pruning.lua
-- include point_state.lua

local FIELDS = {'currentTime', 'updatedAt', 'duration', 'percent', 'watched', 'completed', 'device',
  'state', 'watchedAt', 'completedAt', 'rate'}
local stored = redis.pcall('HMGET', KEYS[1], unpack(FIELDS))
if stored.err and kind ~= 'delete' then
  return stored -- another program has written a key of another type
end
local fields, earlier = {}, nil
for index, name in ipairs(FIELDS) do
  fields[name] = stored[index] or nil
end
local state = decode(fields, now, now)
local _, stored_at = shown(state)
-- An event that is not older than the stored point is newer than the latest deletion.
if kind == 'delete' or kind == 'merge' or not stored_at or at < stored_at then
  earlier = tonumber(call('ZSCORE', KEYS[3], ARGV[8]) or nil)
end
local latest_deletion = earlier and (earlier > now and now - 1 or earlier) or -1
local deleted = latest_deletion
cancel(state, deleted)
local before, existed = shown(state)

local event = {}
if kind == 'merge' then
  local newest = stored_at or now
  event = decode(cjson.decode(ARGV[12]), now, newest)
  deleted = math.max(latest_deletion, tonumber(ARGV[13]) > now and newest - 1 or ARGV[13])
elseif kind == 'delete' then
  deleted = math.max(latest_deletion, at)
elseif kind == 'save' or kind == 'rate' then
  local duration = ARGV[13] ~= '' and ARGV[13] or (state.sent or state.usual or {})[2]
  local percent = kind == 'rate' and string.format('%.2f', ARGV[12])
    or duration and percent_of(number(ARGV[12]), number(duration))
  local device = kind == 'save' and ARGV[14] ~= '' and ARGV[14] or nil
  event[kind == 'save' and 'position' or 'rate'] = {at, ARGV[12], device}
  event.sent = ARGV[13] ~= '' and {at, ARGV[13]} or nil
  event.usual = kind == 'rate' and ARGV[14] ~= '' and {at, ARGV[14]} or nil
  event.qualified = percent and tonumber(percent) >= tonumber(ARGV[7]) and {at} or nil
  event.completedAt = percent == '100.00' and {at} or nil
else
  event[kind == 'watched' and 'marked' or kind] = {at}
  event.qualified = kind == 'watched' and {at} or nil
end
event.watchedAt = event.watchedAt or event.qualified
join(state, event)
cancel(state, deleted)

-- A save is applied if it is the latest one.
local position, rate, applied = state.position, state.rate, false
if kind == 'save' and position then
  applied = position[1] == at and number(position[2]) == number(ARGV[12])
    and not (rate and rate[1] > at)
elseif kind == 'rate' and rate then
  applied = rate[1] == at and number(rate[2]) == number(ARGV[12])
    and not (position and position[1] >= at)
end
if applied and existed then
  local back = number(before) - number((shown(state)))
  if back > 60 and not state.previous then
    state.previous = {existed, before}
  elseif state.previous and number(before) - back >= number(state.previous[2]) then
    state.previous = nil
  end
end

-- An archived point has less time left than a point that was saved since.
local function expire(key, seconds)
  if kind ~= 'merge' or call('TTL', key) < seconds then
    call('EXPIRE', key, seconds)
  end
end

local wanted, score = encode(state)
local set, gone, changed, stays = {}, {}, false, true
for index, name in ipairs(FIELDS) do
  if wanted[name] and wanted[name] ~= stored[index] then
    set[#set + 1], set[#set + 2] = name, wanted[name]
  elseif stored[index] and not wanted[name] then
    gone[#gone + 1] = name
  end
end
if not next(wanted) then
  changed = call('DEL', KEYS[1]) == 1
  call('ZREM', KEYS[2], ARGV[8])
  existed = existed or changed and not stored[8] -- another program's hash counts as a point
elseif set[1] or gone[1] then
  changed = true
  if set[1] then
    call('HSET', KEYS[1], unpack(set))
  end
  if gone[1] then
    call('HDEL', KEYS[1], unpack(gone))
  end
  if kind == 'delete' then
    call('ZADD', KEYS[2], score_of(score), ARGV[8])
  else
    expire(KEYS[1], tonumber(ARGV[5]))
    stays = call('ZADD', KEYS[2], score_of(score), ARGV[8]) == 0 or stays_in_index()
    expire(KEYS[2], ARGV[5] + INDEX_EXTRA)
    if stays and KEYS[5] and kind ~= 'merge' then
      call('ZADD', KEYS[5], score_of(now), ARGV[10])
    end
  end
end

if changed and stays then publish_if_live(ARGV[8]) end

if deleted > math.max(latest_deletion, 0) then
  changed = true
  call('ZADD', KEYS[3], score_of(deleted), ARGV[8])
  call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - ARGV[6])
  expire(KEYS[3], tonumber(ARGV[5]))
  if KEYS[6] and kind == 'delete' then
    call('ZADD', KEYS[6], score_of(at) .. '.5', ARGV[10])
    if not next(wanted) then
      call('ZREM', KEYS[5], ARGV[10])
    end
  end
elseif changed and deleted < (earlier or deleted) then
  call('ZADD', KEYS[3], score_of(deleted), ARGV[8]) -- the clock was ahead at the deletion
end

local result = tonumber(ARGV[2])
if kind == 'save' or kind == 'rate' then
  result = applied and stays and result or -result
else
  result = changed and stays and result or -result
end
if ARGV[11] == '1' then
  local point = {result, existed and 0 or 1}
  for index = 1, 8 do
    point[index + 2] = stays and wanted[FIELDS[index]] or false
  end
  return point
elseif kind == 'save' or kind == 'rate' or kind == 'merge' then
  return result
end
return {result, existed and 1 or 0, math.max(latest_deletion, 0), at}
