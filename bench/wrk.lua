-- Repeats the requests of a file, which are separated by NUL. Prints its result as one line of JSON.
-- Called as: wrk ... -s wrk.lua <url> -- <file>

local requests, at = {}, 0

function init(args)
  local file = assert(io.open(args[1], 'rb'))
  for each in file:read('*a'):gmatch('[^%z]+') do
    requests[#requests + 1] = each
  end
  file:close()
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary)
  local e = summary.errors
  io.write(string.format('\n{"requests": %d, "microseconds": %d, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration, e.status, e.connect + e.read + e.write + e.timeout))
end
