-- Repeats the requests of a file, which are separated by NUL. Prints its result as one line of JSON.
-- Called as: wrk ... -s wrk.lua <url> -- <file> <expected status>

local requests, at, threads = {}, 0, {}
unexpected = 0 -- global, because done() runs in another Lua state

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  local file = assert(io.open(args[1], 'rb'))
  for each in file:read('*a'):gmatch('[^%z]+') do
    requests[#requests + 1] = each
  end
  file:close()
  local expected = tonumber(args[2])
  -- wrk counts every status from 400 as an error. Only for these, we count ourselves: with a
  -- function `response`, wrk needs more time for each response.
  if expected >= 400 then
    function response(status)
      if status ~= expected then unexpected = unexpected + 1 end
    end
  end
  checked = response ~= nil
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary)
  local e, thread = summary.errors, threads[1]
  local wrong = thread:get('checked') and thread:get('unexpected') or e.status
  io.write(string.format('\n{"requests": %d, "microseconds": %d, "unexpected": %d, "broken": %d}\n',
    summary.requests, summary.duration, wrong, e.connect + e.read + e.write + e.timeout))
end
