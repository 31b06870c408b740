/** The part of a script that knows the key in a member of the order: what comes after the NUL. */
export const KEY_OF = `
local function keyOf(member)
  return string.sub(member, (string.find(member, '\\0', 1, true) or 0) + 1)
end
`;

/**
 * The part of a script that finds the mark of a read model and its size, and whether it is sound: the mark is there, and
 * every row has its place in the order.
 */
export const SOUND = `
local mark = redis.call('HGET', KEYS[1], '')
local total = redis.call('ZCARD', KEYS[2])
local sound = mark and redis.call('HLEN', KEYS[1]) == total + 1
`;
