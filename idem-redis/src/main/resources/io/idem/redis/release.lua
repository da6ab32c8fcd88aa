-- token, '1' to wake waiters
if owner ~= token or completed then
  return LOST
end
redis.call('DEL', key)
signal(ARGV[2])
return HELD
