-- token, length of the lease from now
if not value or value:sub(4, 19) ~= ARGV[1] or state == COMPLETED or state == COMPLETED_COMPARABLE then
  return LOST
end
redis.call('PEXPIRE', key, ARGV[2] + struct.unpack('>I6', value, 23))
if ARGV[2] == '0' and state >= WATCHED then
  redis.pcall('PUBLISH', key, '') -- a user without the channel may not: what is written stays so
end
return HELD
