-- The fast branch: most saves need no state, because the stored point is plain and older, and stays
-- plain. `merge_point.lua` includes it, and describes keys, arguments and the result.
--
-- returns what `merge_point.lua` returns, or continues with the text after this file

if kind == 'save' and stored[2] and not stored[8] and not stored[11] then
  local updated_at, duration, percent = iso(at), ARGV[13], nil
  if duration ~= '' then
    percent = percent_of(ARGV[12], duration)
  end
  local watched, completed = percent and tonumber(percent) >= tonumber(ARGV[7]), percent == '100.00'
  if stored[2] < updated_at and tonumber(ARGV[12]) >= (tonumber(stored[1]) or 0) - 60
    and (watched or not stored[9]) and (percent or not (stored[3] or stored[4] or stored[5]))
    and ARGV[14] == (stored[7] or '') then
    if percent then
      redis.call('HSET', KEYS[1], 'currentTime', ARGV[12], 'updatedAt', updated_at, 'duration', duration,
        'percent', percent, 'watched', watched and '1' or '0', 'completed', completed and '1' or '0')
      if watched and not stored[9] then
        redis.call('HSET', KEYS[1], 'watchedAt', updated_at)
      end
      if completed and not stored[10] then
        redis.call('HSET', KEYS[1], 'completedAt', updated_at)
      end
    else
      redis.call('HSET', KEYS[1], 'currentTime', ARGV[12], 'updatedAt', updated_at)
    end
    local saved = finish(at) and tonumber(ARGV[2]) or -ARGV[2]
    if ARGV[11] == '' then
      return saved
    end
    return {saved, 0, unpack(redis.call('HMGET', KEYS[1], unpack(FIELDS, 1, 8)))}
  end
end
