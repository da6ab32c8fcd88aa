-- token, fingerprint, length of the lease, '1' to take over, how long to keep it without an outcome
-- Answers the attempt of the lease that was acquired, the record if it is completed, or else the record and what
-- is left of its lease.
local wanted, leaseFor, takeOver, keepFor = ARGV[2], ARGV[3], ARGV[4], ARGV[5]

if completed then
  return value
end
if not value then
  run(1, wanted, leaseFor, keepFor)
  return 1
end

local attempt, leaseUntil = struct.unpack('>I3I6', value, 20)
if owner == token then
  run(attempt, fingerprint, leaseFor, keepFor)
  return attempt
end

local left = leaseUntil - now()
local matches = wanted == '' or fingerprint == '' or wanted == fingerprint
if left > 0 or takeOver ~= '1' or not matches then
  return { value, left }
end
run(attempt + 1, wanted == '' and fingerprint or wanted, leaseFor, keepFor)
return attempt + 1
