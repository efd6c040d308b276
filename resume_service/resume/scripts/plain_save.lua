-- The fast branch of `merge_point.lua`, which includes it: most saves need no state. The point is
-- new, or it is plain, older and of the same kind, and it stays plain. This branch decides the speed
-- of a save, so it reads and writes no field that it does not need.
--
-- returns what `merge_point.lua` returns, or continues with the text after this file

if kind == 'save' or kind == 'rate' then
  local stored = call('HMGET', KEYS[1], 'updatedAt', 'currentTime', 'duration', 'watchedAt',
    'device', 'state', 'rate')
  local stored_at, updated_at, position, duration = stored[1], iso(at), ARGV[12], ARGV[13]
  local seconds = tonumber(position)
  local is_plain, is_rate, device = not stored[6], kind == 'rate', ARGV[14]
  local percent, watched
  if is_rate then
    duration, device, percent = ARGV[14], '', string.format('%.2f', ARGV[12])
    position = position_of(ARGV[12], duration ~= '' and duration) or '0'
    seconds = tonumber(position)
    is_plain = is_plain and ARGV[13] == '' and (duration ~= '' or not stored[3])
      and tonumber(percent) == tonumber(ARGV[12])
  elseif duration ~= '' then
    percent = percent_of(seconds, tonumber(duration))
  else
    is_plain = is_plain and not (stored[3] or stored[4] or call('HGET', KEYS[1], 'percent'))
  end
  if percent then
    watched = tonumber(percent) >= tonumber(ARGV[7])
    is_plain = is_plain and (watched or not stored[4])
  end
  if stored_at then
    is_plain = is_plain and is_rate == (stored[7] ~= false) and stored_at < updated_at
      and seconds >= (tonumber(stored[2]) or 0) - 60 and device == (stored[5] or '')
  elseif is_plain then
    local deleted = call('ZSCORE', KEYS[3], ARGV[8])
    is_plain = not stored[2] and not (deleted and tonumber(deleted) >= at)
  end

  if is_plain then
    if not percent then
      call('HSET', KEYS[1], 'currentTime', position, 'updatedAt', updated_at)
    elseif stored[3] == duration and not watched and not is_rate then
      -- `duration`, `watched` and `completed` have these values already.
      call('HSET', KEYS[1], 'currentTime', position, 'updatedAt', updated_at, 'percent', percent)
    else
      local knows_duration = duration ~= '' -- otherwise, this command writes `percent` twice
      call('HSET', KEYS[1], 'currentTime', position, 'updatedAt', updated_at,
        knows_duration and 'duration' or 'percent', knows_duration and duration or percent,
        'percent', percent, 'watched', watched and '1' or '0',
        'completed', percent == '100.00' and '1' or '0')
      if is_rate then
        call('HSET', KEYS[1], 'rate', ARGV[12])
      end
      if watched and not stored[4] then
        call('HSET', KEYS[1], 'watchedAt', updated_at)
      end
      if percent == '100.00' then
        call('HSETNX', KEYS[1], 'completedAt', updated_at)
      end
    end
    if not stored_at and device ~= '' then
      call('HSET', KEYS[1], 'device', device)
    end
    call('EXPIRE', KEYS[1], ARGV[5])
    local score = string.format('%d', at)
    local is_added = call('ZADD', KEYS[2], score, ARGV[8]) == 1
    local stays = not is_added or stays_in_index()
    if is_added or at ~= now or stored_at < string.sub(updated_at, 1, 13) then -- an earlier hour
      call('EXPIRE', KEYS[2], ARGV[5] + INDEX_EXTRA)
    end
    if stays and KEYS[5] then
      call('ZADD', KEYS[5], at == now and score or score_of(now), ARGV[10])
    end
    if stays then
      publish_if_live(ARGV[8])
    end
    local result = stays and tonumber(ARGV[2]) or -ARGV[2]
    if ARGV[11] == '' then
      return result
    end
    return {result, not stored_at and 1 or 0, unpack(call('HMGET', KEYS[1], 'currentTime',
      'updatedAt', 'duration', 'percent', 'watched', 'completed', 'device', 'state'))}
  end
end
