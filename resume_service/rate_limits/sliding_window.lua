-- Records a request, unless the window already contains as many recorded requests as the quota allows.
-- The window is the period that ends now.
--
-- KEYS[1]  limit:<name>:<identifier>, list: times of the recorded requests, ms since 1970, newest first
-- ARGV[1]  now, ms since 1970
-- ARGV[2]  length of the window, ms
-- ARGV[3]  quota, requests per window
-- returns  {1 if recorded, else 0; requests left; ms until the oldest request leaves the window}

local window, quota = tonumber(ARGV[2]), tonumber(ARGV[3])
local times = redis.call('LRANGE', KEYS[1], 0, quota - 1)
-- The clocks of hosts differ a little. The new time must not be older than the newest time in the list.
local now = math.max(tonumber(ARGV[1]), tonumber(times[1] or 0))
local used = 0
for _, time in ipairs(times) do
  if tonumber(time) > now - window then
    used = used + 1
  end
end
if used >= quota then
  return {0, 0, tonumber(times[quota]) + window - now}
end
redis.call('LPUSH', KEYS[1], now)
redis.call('LTRIM', KEYS[1], 0, quota - 1)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local oldest = used > 0 and tonumber(times[used]) or now
return {1, quota - used - 1, oldest + window - now}
