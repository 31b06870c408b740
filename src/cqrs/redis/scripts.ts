import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";

/*
 * Everything that Redis holds of a stream, and all that is done to it.
 *
 *   {STREAM:NAME}:rows   hash        key -> JSON of the instance; the field "" holds the mark that the hash stands at
 *   {STREAM:NAME}:order  sorted set  the same keys, all with score 0, so in byte order: code-point order
 *
 * NAME is the name of the read model. The braces keep both keys on one node of a cluster.
 */

/** The version of the key format. A process never replaces the read model of a newer one. */
export const KEY_FORMAT = 1;

/** Without a look-up to extend it, a read model vanishes after this time. Milliseconds. */
export const TIME_TO_LIVE_MS = 600_000;

/** The field that holds the mark. No instance has it: a key is never empty. */
export const MARK_FIELD = "";

/** A server run and the database in it, as the server itself reports them. */
export interface RedisPlace {
  readonly runId: string;
  readonly database: number;
}

/** The place of what lives on a Redis Cluster. */
export const ON_CLUSTER: RedisPlace = { runId: "cluster", database: 0 };

/** A name for a new read model at `place`. It never comes back: its last part is random. */
export function newReadModelName({ runId, database }: RedisPlace): string {
  return `${KEY_FORMAT}-${runId}-${database}-${randomBytes(9).toString("hex")}`;
}

/** The key format and place in a read model's name; `undefined` for what no version of this program wrote. */
export function parseReadModelName(name: string): (RedisPlace & { format: number }) | undefined {
  const match = /^(\d+)-(\w+)-(\d+)-\w+$/.exec(name);
  return match ? { format: Number(match[1]), runId: match[2] as string, database: Number(match[3]) } : undefined;
}

export function samePlace(a: RedisPlace | undefined, b: RedisPlace): boolean {
  return a?.runId === b.runId && a.database === b.database;
}

/** Whether a read model of this program's key format lives at `place`. */
export function livesAt(name: string, place: RedisPlace): boolean {
  const parsed = parseReadModelName(name);
  return parsed?.format === KEY_FORMAT && samePlace(parsed, place);
}

export interface ReadModelKeys {
  readonly rows: string;
  readonly order: string;
}

export function readModelKeys(stream: string, name: string): ReadModelKeys {
  return { rows: `{${stream}:${name}}:rows`, order: `{${stream}:${name}}:order` };
}

/** Says that a process is rebuilding the stream's read model. It spares work; nothing depends on it. */
export function rebuildLockKey(stream: string): string {
  return `{${stream}}:rebuilding`;
}

/** `true` for sizes that agree: every row has its place in the order, and the mark is there. */
const SOUND = `
local mark = redis.call('HGET', KEYS[1], '')
local total = redis.call('ZCARD', KEYS[2])
local sound = mark and redis.call('HLEN', KEYS[1]) == total + 1
`;

/**
 * How many of the rows with the ranks `first` to `stop` (exclusive) make a portion of at most `most` bytes, what they
 * take, the rows as one JSON array, which costs the reader a fraction of what hundreds of replies do (nothing if one is
 * missing), and the first and the last of their keys. Each row that is larger is a portion by itself. HMGET is sent in steps: Lua's stack holds a few
 * thousand values, and what a step reads beyond the portion is small.
 */
const PORTION = `
local function portion(first, stop, most)
  local found, bytes, firstKey, lastKey = {}, 0, '', ''
  for from = first, stop - 1, 50 do
    local keys = redis.call('ZRANGE', KEYS[2], from, math.min(from + 50, stop) - 1)
    for i, row in ipairs(redis.call('HMGET', KEYS[1], unpack(keys))) do
      if not row then return 0, 0, false end
      if #found > 0 and bytes + #row > most then
        return #found, bytes, '[' .. table.concat(found, ',') .. ']', firstKey, lastKey
      end
      found[#found + 1] = row
      bytes = bytes + #row
      if #found == 1 then firstKey = keys[i] end
      lastKey = keys[i]
    end
  end
  return #found, bytes, '[' .. table.concat(found, ',') .. ']', firstKey, lastKey
end
`;

/**
 * Applies changes that follow one another, each on top of its predecessor's mark. One that is in already is skipped;
 * the first that does not fit ends it. Returns the mark that the hash then stands at, or nothing if it is not sound.
 *
 * The mark is written back before anything else is changed: a server that is full or read-only refuses there, when
 * nothing is half done.
 */
const applyChanges = `${SOUND}
local at = sound and tonumber(string.match(mark, '^(%d+):'))
if not at then return false end
local written = false
for i = 1, #ARGV, 6 do
  local revision, previous, own = tonumber(ARGV[i]), ARGV[i + 1], ARGV[i + 2]
  local removed, key, row = ARGV[i + 3], ARGV[i + 4], ARGV[i + 5]
  if mark == previous then
    if not written then
      redis.call('HSET', KEYS[1], '', mark)
      written = true
    end
    if key ~= '' then
      redis.call('HSET', KEYS[1], key, row)
      redis.call('ZADD', KEYS[2], 0, key)
    end
    if removed ~= '' and removed ~= key then
      redis.call('HDEL', KEYS[1], removed)
      redis.call('ZREM', KEYS[2], removed)
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

/**
 * The mark, how many rows there are, and the first portion of them, of ARGV[2] bytes; no portion if they are more than
 * ARGV[1].
 */
const readAll = `${SOUND}${PORTION}
if not sound then return false end
if total > tonumber(ARGV[1]) then return {mark, total} end
return {mark, total, portion(0, total, tonumber(ARGV[2]))}
`;

/**
 * One page: at most ARGV[3] rows after the key ARGV[1] and before the key ARGV[2] (an empty one is no bound), from the
 * end if ARGV[4] is 1. Returns the mark, the total, the ranks that the page begins at and ends before, and its first
 * portion, of ARGV[5] bytes.
 */
const readPage = `${SOUND}${PORTION}
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
const readOn = `${SOUND}${PORTION}
if not sound or mark ~= ARGV[1] then return false end
return {portion(tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]))}
`;

/** The mark (nothing if unsound) and the shorter time to live; an empty order is no key and has none. */
const inspect = `${SOUND}
local ttl = redis.call('PTTL', KEYS[1])
if total > 0 then ttl = math.min(ttl, redis.call('PTTL', KEYS[2])) end
return {sound and mark, ttl}
`;

/** Extends both times to live at once, so that neither key outlives the other. */
const extend = `
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
`;

/** Adds rows (key, JSON, key, JSON, …) to a read model that is not in force yet. ARGV[1] is the time to live. */
const loadRows = `
for i = 2, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  redis.call('ZADD', KEYS[2], 0, ARGV[i])
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
`;

/** Writes the mark ARGV[1] if both keys hold exactly ARGV[2] rows, and says whether it is there. */
const finishLoad = `
local size = tonumber(ARGV[2])
if redis.call('HLEN', KEYS[1]) ~= size or redis.call('ZCARD', KEYS[2]) ~= size then return 0 end
redis.call('HSET', KEYS[1], '', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if redis.call('HGET', KEYS[1], '') == ARGV[1] then return 1 end
return 0
`;

/**
 * Does with two keys of its own whatever is done to a read model, and leaves nothing behind. Returns what the user may
 * not do, or the server does not know, as pairs of command and error; any other refusal (full, read-only, …) is thrown.
 */
const probe = `
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

export const scripts = {
  applyChanges: { lua: applyChanges, numberOfKeys: 2 },
  readAll: { lua: readAll, numberOfKeys: 2, readOnly: true },
  readPage: { lua: readPage, numberOfKeys: 2, readOnly: true },
  readOn: { lua: readOn, numberOfKeys: 2, readOnly: true },
  inspect: { lua: inspect, numberOfKeys: 2, readOnly: true },
  extend: { lua: extend, numberOfKeys: 2 },
  loadRows: { lua: loadRows, numberOfKeys: 2 },
  finishLoad: { lua: finishLoad, numberOfKeys: 2 },
  probe: { lua: probe, numberOfKeys: 2 },
};

type Script<Reply> = (rows: string, order: string, ...args: (string | number)[]) => Promise<Reply>;

/** How many rows a portion has, their bytes, they themselves as JSON, and the first and the last of their keys. */
export type PortionReply = [size?: number, bytes?: number, rows?: string | null, firstKey?: string, lastKey?: string];

/** A client that knows the scripts. What they reply is checked where it is read: the keys may hold anything. */
export interface ScriptedRedis extends Redis {
  applyChanges: Script<string | null>;
  readAll: Script<[mark: string, total: number, ...PortionReply] | null>;
  readPage: Script<[mark: string, total: number, first: number, stop: number, ...PortionReply] | null>;
  readOn: Script<PortionReply | null>;
  inspect: Script<[mark: string | null, timeToLiveMs: number]>;
  extend: Script<null>;
  loadRows: Script<null>;
  finishLoad: Script<number>;
  probe: Script<string[]>;
}
