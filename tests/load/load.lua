-- One kind of request, for wrk: ... -s load.lua URL -- METHOD STATUS NUMBER BODY [FILE]
-- Of a POST's answers each status is checked, and the bodies are kept in FILE, one a line. In URL,
-- BODY and the header Idempotency-Key a * stands for a number that no other request has; they count
-- up from NUMBER. The last line of the output is for client.py.

local threads = {}

function setup(thread)
   table.insert(threads, thread)
end

function init(arguments)
   wrk.method, expected, number = arguments[1], tonumber(arguments[2]), tonumber(arguments[3])
   template, file = arguments[4], arguments[5]
   wrk.headers["Content-Type"] = "application/json"
   wrk.body = template ~= "" and template or nil
   unexpected, kept, key = 0, {}, wrk.headers["Idempotency-Key"] or ""
   if (wrk.path .. template .. key):find("*", 1, true) then
      request = next_request
   end
   if file then
      response = check
   end
end

function next_request()
   number = number + 1
   if key ~= "" then
      wrk.headers["Idempotency-Key"] = numbered(key)
   end
   return wrk.format(nil, numbered(wrk.path), nil, wrk.body and numbered(wrk.body))
end

function numbered(text)
   return (text:gsub("*", number))
end

function check(status, headers, body)
   if status == expected then
      kept[#kept + 1] = body
   else
      unexpected = unexpected + 1
   end
end

function done(summary, latency, requests)
   local errors, bad = summary.errors, threads[1]:get("unexpected")
   bad = math.max(bad, errors.status) + errors.connect + errors.read + errors.write + errors.timeout
   local file = threads[1]:get("file")
   if file then
      local output = assert(io.open(file, "w"))
      for _, body in ipairs(threads[1]:get("kept")) do
         output:write(body, "\n")
      end
      output:close()
   end
   print(string.format("%d %d %d %d %d %d", summary.requests, summary.duration, summary.bytes,
      latency:percentile(50), latency:percentile(99), bad))
end
