-- What every script begins with: reads the record under its key and leaves what is not a record alone.
--
-- A record is one string. Numbers are unsigned and big-endian, times are milliseconds.
--   bytes 1-2    0xC1 0x1D
--   byte  3      format 1 in the high half; in the low half 1: has an outcome, 2: has a fingerprint,
--                4: somebody on another node may wait for the end of this run
--   bytes 4-19   owner token
--   running:     bytes 20-22 attempt, 23-28 how long it is kept after its lease, 29-44 fingerprint if any.
--                What is left of its lease is what is left of the key's own expiry, less that time
--   completed:   bytes 20-35 fingerprint if any, then the outcome. It ends with the key's own expiry
local NOT_A_RECORD, LOST, HELD = -1, 0, 1
local COMPLETED, COMPARABLE, COMPLETED_COMPARABLE, WATCHED = 17, 18, 19, 20

local key = KEYS[1]
local value, state = redis.call('GET', key), nil
if value then
  local first, second, third = value:byte(1, 3)
  if first ~= 193 or second ~= 29 or not third or third < 16 or third > 22 or third == 21 then
    return NOT_A_RECORD
  end
  state = third
end
