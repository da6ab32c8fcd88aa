-- the record of a first attempt, how long it is kept, length of its lease, '1' to take over, '1' to be woken
-- Answers the attempt of the lease that was acquired, the record if it is completed, or else the record and what
-- is left of its lease.
if not value then
  redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
  return 1
end
if state == COMPLETED or state == COMPLETED_COMPARABLE then
  return value
end

-- Only here and with Redis 6.2 set back to replicating scripts: then a script may not write after PTTL.
if redis.replicate_commands then
  redis.replicate_commands()
end
local fresh, leaseFor, takeOver, wake = ARGV[1], ARGV[3], ARGV[4], ARGV[5]
local token, wanted, fingerprint = fresh:sub(4, 19), fresh:sub(29), value:sub(29)
local attempt, graceFor = struct.unpack('>I3I6', value, 20)
if value:sub(4, 19) == token then
  redis.call('PEXPIRE', key, leaseFor + graceFor)
  return attempt
end

local left = redis.call('PTTL', key) - graceFor
local matches = wanted == '' or fingerprint == '' or wanted == fingerprint
if left > 0 or takeOver ~= '1' or not matches then
  if left > 0 and wake == '1' and state < WATCHED then
    redis.pcall('SETRANGE', key, 2, string.char(state + 4)) -- a full server refuses: then they look by themselves
  end
  return { value, left }
end
local digest = wanted == '' and fingerprint or wanted
local running = (digest == '' and 32 or COMPARABLE) + (state >= WATCHED and 4 or 0)
redis.call(
  'SET', key,
  '\193\029' .. string.char(running) .. token .. struct.pack('>I3', attempt + 1) .. fresh:sub(23, 28) .. digest,
  'PX', ARGV[2])
return attempt + 1
