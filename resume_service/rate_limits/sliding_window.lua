-- Takes a turn of a limit, unless all of them were taken within the window that ends now.
--
-- KEYS[1]  limit:<name>:<whom>, list: when each turn was taken, ms since 1970, newest first
-- ARGV[1]  now, ms since 1970
-- ARGV[2]  length of the window, ms
-- ARGV[3]  turns that a window has
-- returns  {1 when taken, else 0; turns left; ms until the next one comes free}

local window, turns = tonumber(ARGV[2]), tonumber(ARGV[3])
local taken = redis.call('LRANGE', KEYS[1], 0, turns - 1)
-- Hosts' clocks differ a little: one that is behind must not make an old turn of a new one.
local now = math.max(tonumber(ARGV[1]), tonumber(taken[1] or 0))
local live = 0
for _, moment in ipairs(taken) do
  if tonumber(moment) > now - window then
    live = live + 1
  end
end
if live >= turns then
  return {0, 0, tonumber(taken[turns]) + window - now}
end
redis.call('LPUSH', KEYS[1], now)
redis.call('LTRIM', KEYS[1], 0, turns - 1)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local oldest = live > 0 and tonumber(taken[live]) or now
return {1, turns - live - 1, oldest + window - now}
