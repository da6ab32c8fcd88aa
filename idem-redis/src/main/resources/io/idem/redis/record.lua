-- What every script begins with: reads the record under its key and leaves what is not a record alone.
--
-- A record is one string. Numbers are unsigned and big-endian, times are milliseconds of this server's clock.
--   bytes 1-2    0xC1 0x1D
--   byte  3      format 1 in the high half; in the low half 1: has an outcome, 2: has a fingerprint
--   bytes 4-19   owner token
--   running:     bytes 20-22 attempt, 23-28 end of the lease, 29-44 fingerprint if any
--   completed:   bytes 20-35 fingerprint if any, then the outcome. It ends with the key's own expiry
local MAGIC, FORMAT, COMPLETED, COMPARABLE = '\193\029', 16, 1, 2
local NOT_A_RECORD, LOST, HELD = -1, 0, 1

local key, token = KEYS[1], ARGV[1]
local value = redis.call('GET', key)
local completed, owner, fingerprint = false, nil, ''

if value then
  local state = (value:byte(3) or 0) - FORMAT
  if value:sub(1, 2) ~= MAGIC or state < 0 or state > COMPLETED + COMPARABLE then
    return NOT_A_RECORD
  end
  completed = state % 2 == COMPLETED
  owner = value:sub(4, 19)
  if state >= COMPARABLE then
    local from = completed and 20 or 29
    fingerprint = value:sub(from, from + 15)
  end
end

local function header(state, digest)
  return MAGIC .. string.char(FORMAT + state + (digest == '' and 0 or COMPARABLE)) .. token
end

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Zero keeps it until somebody settles it.
local function run(attempt, digest, leaseFor, keepFor)
  local record = header(0, digest) .. struct.pack('>I3I6', attempt, now() + leaseFor) .. digest
  if keepFor == '0' then
    redis.call('SET', key, record)
  else
    redis.call('SET', key, record, 'PX', keepFor)
  end
end

local function signal(wanted)
  if wanted == '1' then
    redis.call('PUBLISH', key, '')
  end
end

-- Only here and with Redis 6.2 set back to replicating scripts: then a script may not write after TIME.
if redis.replicate_commands then
  redis.replicate_commands()
end
