-- token, outcome, retention
if not value or value:sub(4, 19) ~= ARGV[1] then
  return LOST
end
if state == COMPLETED or state == COMPLETED_COMPARABLE then
  return HELD
end
local header, fingerprint = '\193\029\033', ''
if state % 4 == 2 then
  header, fingerprint = '\193\029\035', value:sub(29)
end
redis.call('SET', key, header .. ARGV[1] .. fingerprint .. ARGV[2], 'PX', ARGV[3])
if state >= WATCHED then
  redis.pcall('PUBLISH', key, '') -- a user without the channel may not: what is written stays so
end
return HELD
