-- For wrk: requests of one kind, each with a key drawn at random from a file. The same for every server.
--   wrk … URL -- METHOD PATH KEYS_FILE SEED       (a line of the file: KEY DOMAIN PRODUCT)
local ready = {}
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

-- Every request is put together beforehand, so that the load costs the server as little as can be.
function init(args)
  for line in io.lines(args[3]) do
    local key, domain, product = line:match("(%S+) (%S+) (%S+)")
    ready[#ready + 1] = wrk.format(args[1], args[2], {
      ["Authorization"] = "Bearer " .. key,
      ["X-Domain"] = domain,
      ["X-Product-ID"] = product,
    })
  end
  math.randomseed(tonumber(args[4]) * 1000 + number)
end

function request()
  return ready[math.random(#ready)]
end

-- One line for the bench tool: requests, microseconds, refused or failed answers, broken connections, p50, p99.
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("BENCH %d %d %d %d %d %d\n", summary.requests, summary.duration, e.status,
    e.connect + e.read + e.write + e.timeout, latency:percentile(50), latency:percentile(99)))
end
