-- token
if not value or value:sub(4, 19) ~= ARGV[1] or state == COMPLETED or state == COMPLETED_COMPARABLE then
  return LOST
end
redis.call('DEL', key)
if state >= WATCHED then
  redis.pcall('PUBLISH', key, '') -- a user without the channel may not: what is written stays so
end
return HELD
