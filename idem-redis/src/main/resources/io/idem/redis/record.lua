-- What every script begins with: reads the record under its key and leaves what is not a record alone.
--
-- A record is one string. Numbers are unsigned and big-endian, times are milliseconds.
--   bytes 1-2    0xC1 0x1D
--   byte  3      format 2 in the high half; in the low half 1: has an outcome, 2: has a fingerprint,
--                4: somebody on another node may wait for the end of this run
--   bytes 4-19   owner token
--   running:     bytes 20-22 attempt, 23-28 how long it is kept after its lease, 29-44 fingerprint if any.
--                What is left of its lease is what is left of the key's own expiry, less that time
--   completed:   bytes 20-35 fingerprint if any, then the outcome. It ends with the key's own expiry
--
-- In format 1, bytes 23-28 of a running record said when its lease ends, by this server's clock. Its key had
-- no expiry unless it was to be forgotten. Whoever touches such a record brings it into format 2 first.
local NOT_A_RECORD, LOST, HELD = -1, 0, 1
local COMPLETED, COMPARABLE, COMPLETED_COMPARABLE, WATCHED = 33, 34, 35, 36

local key = KEYS[1]
local value, state = redis.call('GET', key), nil
if value then
  local first, second, third = value:byte(1, 3)
  if first ~= 193 or second ~= 29 or not third or third < 16 or third > 38 or third == 37 then
    return NOT_A_RECORD
  end
  state = third
  if third < 32 then
    if third > 19 then
      return NOT_A_RECORD
    end
    state = third + 16
    if third % 2 == 0 then
      if redis.replicate_commands then
        redis.replicate_commands() -- Redis 6.2 may be set to refuse writes after TIME without it
      end
      local time, expiry = redis.call('TIME'), redis.call('PTTL', key)
      local left = math.max(struct.unpack('>I6', value, 23) - time[1] * 1000 - math.floor(time[2] / 1000), 0)
      local keepFor = expiry < 0 and 3153600000000 or math.max(expiry - left, 1) -- a century is for ever
      value = '\193\029' .. string.char(state) .. value:sub(4, 22) .. struct.pack('>I6', keepFor) .. value:sub(29)
      redis.call('SET', key, value, 'PX', left + keepFor)
    end
  end
end
