-- token, outcome, retention, '1' to wake waiters
local outcome, retention, wake = ARGV[2], ARGV[3], ARGV[4]

if owner ~= token then
  return LOST
end
if not completed then
  redis.call('SET', key, header(COMPLETED, fingerprint) .. fingerprint .. outcome, 'PX', retention)
  signal(wake)
end
return HELD
