-- wrk's request: the body of the file BODY. In it, `@U1@` and the like become other ids with every
-- request, round and round, and `@C@` a number that no request has had before.
local file = assert(io.open(os.getenv("BODY"), "r"))
local body = file:read("*a")
file:close()
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
if not body:find("@", 1, true) then
  wrk.body = body
else
  local groups, at = 480, 0
  local cold = os.time() * 1000000
  request = function()
    at, cold = (at + 1) % groups, cold + 1
    local text = body:gsub("@U(%d)@", function(n) return tostring(at * 6 + tonumber(n)) end)
    text = text:gsub("@P(%d)@", function(n) return tostring(at * 5 + tonumber(n)) end)
    text = text:gsub("@C@", string.format("%.0f", cold))
    return wrk.format(nil, nil, nil, text)
  end
end
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
