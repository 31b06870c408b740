/**
 * The part of a script that finds the mark of a read model and its size, and whether it is sound: the mark is there, and
 * every row has its place in the order.
 */
export const SOUND = `
local mark = redis.call('HGET', KEYS[1], '')
local total = redis.call('ZCARD', KEYS[2])
local sound = mark and redis.call('HLEN', KEYS[1]) == total + 1
`;
