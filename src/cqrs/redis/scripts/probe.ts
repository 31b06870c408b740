/**
 * Does with two keys of its own whatever is done to a read model, and leaves nothing behind. Returns what the user may
 * not do, or the server does not know, as pairs of command and error; any other refusal (full, read-only, …) is thrown.
 */
export const probe = `
local refused = {}
local function try(name, ...)
  local reply = redis.pcall(name, ...)
  if type(reply) ~= 'table' or not reply.err then return end
  local missing = false
  for _, text in ipairs({'NOPERM', 'executing the script', 'Unknown Redis command'}) do
    missing = missing or string.find(reply.err, text, 1, true)
  end
  if not missing then error(reply) end
  refused[#refused + 1] = name
  refused[#refused + 1] = reply.err
end
try('HSET', KEYS[1], 'a', 'b')
try('PEXPIRE', KEYS[1], 10000)
try('ZADD', KEYS[2], 0, 'a')
try('PEXPIRE', KEYS[2], 10000)
try('PTTL', KEYS[1])
try('HGET', KEYS[1], 'a')
try('HMGET', KEYS[1], 'a')
try('HLEN', KEYS[1])
try('ZCARD', KEYS[2])
try('ZRANGE', KEYS[2], 0, -1)
try('ZLEXCOUNT', KEYS[2], '-', '+')
try('HDEL', KEYS[1], 'a')
try('ZREM', KEYS[2], 'a')
try('SET', KEYS[1], 'a', 'PX', 10000)
try('UNLINK', KEYS[1])
try('DEL', KEYS[1], KEYS[2])
try('PING')
return refused
`;
