-- Replays requests in random order, and looks at every answer: with one server on the other core, that costs none of the
-- load (the raw limit is as fast without it).
--
-- Arguments: a file of reads and a file of writes, with one request a line: a body to be posted, or the target of a GET,
-- which begins with a slash; how many of a thousand requests are writes; the seed, so that all servers get the same sequence; the text that begins the data of a read;
-- what is sent as `Authorization`, if anything.

local reads, writes, writesOfThousand, readData

-- what done() reports; global because wrk hands over nothing else
wrong, fromRedis, writesDone, firstWrong = 0, 0, 0, nil

local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

local function requestsIn(file, authorization)
  local requests = {}
  for body in io.lines(file) do
    if body:sub(1, 1) == "/" then
      requests[#requests + 1] = wrk.format("GET", body, { authorization = authorization })
    else
      local headers = { ["content-type"] = "application/json", authorization = authorization }
      requests[#requests + 1] = wrk.format("POST", nil, headers, body)
    end
  end
  return requests
end

function init(args)
  reads = requestsIn(args[1], args[6])
  writesOfThousand = tonumber(args[3])
  if writesOfThousand > 0 then writes = requestsIn(args[2], args[6]) end
  math.randomseed(tonumber(args[4]))
  readData = args[5]
end

function request()
  if writesOfThousand > 0 and math.random(1000) <= writesOfThousand then return writes[math.random(#writes)] end
  return reads[math.random(#reads)]
end

function response(status, headers, body)
  local failed = body:find('"errors"', 1, true)
  if not failed and writes and body:find('"data":{"updateBook":{"__typename":"Book"', 1, true) then
    writesDone = writesDone + 1
  elseif failed or not body:find(readData, 1, true) then
    -- those with a bad status wrk counts itself
    if status < 400 then wrong = wrong + 1 end
    firstWrong = firstWrong or body
  end
  -- it stands at the end, if it is there at all
  if body:find('"servedBy":"redis"', -100, true) then fromRedis = fromRedis + 1 end
end

function done(summary, latency)
  local counts = { wrong = 0, fromRedis = 0, writesDone = 0 }
  for _, thread in ipairs(threads) do
    for name, count in pairs(counts) do counts[name] = count + thread:get(name) end
    local body = thread:get("firstWrong")
    if body then io.stderr:write(body:sub(1, 500), "\n") end
  end
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"fromRedis":%d,"writes":%d,"errors":' ..
      '{"failed connections":%d,"failed reads":%d,"failed writes":%d,"time-outs":%d,"bad statuses":%d,"wrong answers":%d}}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    counts.fromRedis, counts.writesDone,
    errors.connect, errors.read, errors.write, errors.timeout, errors.status, counts.wrong
  ))
end
