-- token, length of the lease from now, how long to keep it without an outcome, '1' to wake waiters
local leaseFor, keepFor, wake = ARGV[2], ARGV[3], ARGV[4]

if owner ~= token or completed then
  return LOST
end
local attempt = struct.unpack('>I3I6', value, 20)
run(attempt, fingerprint, leaseFor, keepFor)
if leaseFor == '0' then
  signal(wake)
end
return HELD
