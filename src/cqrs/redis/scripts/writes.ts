import { KEY_OF, SOUND } from "./sound.ts";

/**
 * Applies changes that follow one another, each on top of its predecessor's mark. One that is in already is skipped;
 * the first that does not fit ends it. Returns the mark that the hash then stands at, or nothing if it is not sound.
 * Each change has six arguments: its revision, the marks before and after it, the members before and after it (empty for
 * none), and the row.
 *
 * The mark is written back before anything else is changed: a server that is full or read-only refuses there, when
 * nothing is half done.
 */
export const applyChanges = `${SOUND}${KEY_OF}
local at = sound and tonumber(string.match(mark, '^(%d+):'))
if not at then return false end
local written = false
for i = 1, #ARGV, 6 do
  local revision, previous, own = tonumber(ARGV[i]), ARGV[i + 1], ARGV[i + 2]
  local before, after, row = ARGV[i + 3], ARGV[i + 4], ARGV[i + 5]
  if mark == previous then
    if not written then
      redis.call('HSET', KEYS[1], '', mark)
      written = true
    end
    if after ~= '' then
      redis.call('HSET', KEYS[1], keyOf(after), row)
      redis.call('ZADD', KEYS[2], 0, after)
    end
    if before ~= '' and before ~= after then
      redis.call('HDEL', KEYS[1], keyOf(before))
      redis.call('ZREM', KEYS[2], before)
    end
    mark, at = own, revision
  elseif revision >= at and mark ~= own then
    break
  end
end
if written then
  redis.call('HSET', KEYS[1], '', mark)
  -- an order that was empty is a new key
  if redis.call('PTTL', KEYS[2]) == -1 then redis.call('PEXPIRE', KEYS[2], math.max(1, redis.call('PTTL', KEYS[1]))) end
end
return mark
`;

/** Extends both times to live at once, so that neither key outlives the other. */
export const extend = `
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
`;

/** Adds rows (member, JSON, member, JSON, …) to a read model that is not in force yet. ARGV[1] is the time to live. */
export const loadRows = `${KEY_OF}
for i = 2, #ARGV, 2 do
  redis.call('HSET', KEYS[1], keyOf(ARGV[i]), ARGV[i + 1])
  redis.call('ZADD', KEYS[2], 0, ARGV[i])
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
`;

/** Writes the mark ARGV[1] if both keys hold exactly ARGV[2] rows, and says whether it is there. */
export const finishLoad = `
local size = tonumber(ARGV[2])
if redis.call('HLEN', KEYS[1]) ~= size or redis.call('ZCARD', KEYS[2]) ~= size then return 0 end
redis.call('HSET', KEYS[1], '', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if redis.call('HGET', KEYS[1], '') == ARGV[1] then return 1 end
return 0
`;
