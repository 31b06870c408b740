import { KEY_OF, SOUND } from "./sound.ts";

/**
 * How many of the rows with the ranks `first` to `stop` (exclusive) make a portion of at most `most` bytes, what they
 * take, the rows as one JSON array, which costs the reader a fraction of what hundreds of replies do (nothing if one is
 * missing), and the first and the last of their members. Each row that is larger is a portion by itself. HMGET is sent in steps: Lua's stack holds a few
 * thousand values, and what a step reads beyond the portion is small.
 */
const PORTION = `${KEY_OF}
local function portion(first, stop, most)
  local found, bytes, firstMember, lastMember = {}, 0, '', ''
  for from = first, stop - 1, 50 do
    local members = redis.call('ZRANGE', KEYS[2], from, math.min(from + 50, stop) - 1)
    local keys = {}
    for i, member in ipairs(members) do keys[i] = keyOf(member) end
    for i, row in ipairs(redis.call('HMGET', KEYS[1], unpack(keys))) do
      if not row then return 0, 0, false end
      if #found > 0 and bytes + #row > most then
        return #found, bytes, '[' .. table.concat(found, ',') .. ']', firstMember, lastMember
      end
      found[#found + 1] = row
      bytes = bytes + #row
      if #found == 1 then firstMember = members[i] end
      lastMember = members[i]
    end
  end
  return #found, bytes, '[' .. table.concat(found, ',') .. ']', firstMember, lastMember
end
`;

/**
 * The mark, how many rows there are, and the first portion of them, of ARGV[2] bytes; no portion if they are more than
 * ARGV[1].
 */
export const readAll = `${SOUND}${PORTION}
if not sound then return false end
if total > tonumber(ARGV[1]) then return {mark, total} end
return {mark, total, portion(0, total, tonumber(ARGV[2]))}
`;

/**
 * One page: at most ARGV[3] rows after the member ARGV[1] and before the member ARGV[2] (an empty one is no bound), from the
 * end if ARGV[4] is 1. Returns the mark, the total, the ranks that the page begins at and ends before, and its first
 * portion, of ARGV[5] bytes.
 */
export const readPage = `${SOUND}${PORTION}
if not sound then return false end
local after, before, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local first, stop = 0, total
if after ~= '' then first = redis.call('ZLEXCOUNT', KEYS[2], '-', '[' .. after) end
if before ~= '' then stop = redis.call('ZLEXCOUNT', KEYS[2], '-', '(' .. before) end
-- bounds in the wrong order: the page is empty, where its direction begins
if ARGV[4] == '1' then
  first = math.min(stop, math.max(first, stop - limit))
else
  stop = math.max(first, math.min(stop, first + limit))
end
return {mark, total, first, stop, portion(first, stop, tonumber(ARGV[5]))}
`;

/** The next portion of a list: ARGV[4] bytes of the ranks from ARGV[2] to before ARGV[3], if the mark still is ARGV[1]. */
export const readOn = `${SOUND}${PORTION}
if not sound or mark ~= ARGV[1] then return false end
return {portion(tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]))}
`;

/** The mark (nothing if unsound) and the shorter time to live; an empty order is no key and has none. */
export const inspect = `${SOUND}
local ttl = redis.call('PTTL', KEYS[1])
if total > 0 then ttl = math.min(ttl, redis.call('PTTL', KEYS[2])) end
return {sound and mark, ttl}
`;

/**
 * What there is of the members ARGV, for whoever examines a read model: the mark, how many fields the hash has and how many
 * members the order, and then for each its row and its score, or nothing.
 */
export const lookAt = `${SOUND}${KEY_OF}
local found = {mark, redis.call('HLEN', KEYS[1]), total}
for _, member in ipairs(ARGV) do
  found[#found + 1] = redis.call('HGET', KEYS[1], keyOf(member))
  found[#found + 1] = redis.call('ZSCORE', KEYS[2], member)
end
return found
`;
