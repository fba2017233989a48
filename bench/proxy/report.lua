-- Prints the figures of a run of wrk as one line of JSON.
done = function(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('REPORT {"requests":%d,"us":%d,"failed":%d,"p99Us":%d}\n',
    summary.requests, summary.duration, failed, latency:percentile(99)))
end
