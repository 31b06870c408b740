/**
 * Takes from what a client may do in the window, by the generic cell rate algorithm: of KEYS[1] the time at which all of it
 * is there again. ARGV: how long one takes to come back and how long all do, in microseconds; how many are wanted; and into
 * how many parts what is left is divided, of which one is given if that is more. By the server's clock, which all share.
 *
 * Returns how many were given, how many are left, and in how many microseconds all are there again.
 */
export const takeRate = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '') or 0)
local free = math.max(0, math.floor((now + window - full) / interval + 0.001))
local given = math.min(free, math.max(tonumber(ARGV[3]), math.floor(free / tonumber(ARGV[4]))))
if given > 0 then
  full = full + given * interval
  redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
end
return {given, free - given, string.format('%.0f', full - now)}
`;
