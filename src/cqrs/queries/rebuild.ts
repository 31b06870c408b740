import { formatMark } from "../mark.ts";
import { memberOf, readModelKeys, rebuildLockKey, TIME_TO_LIVE_MS } from "../redis/keys.ts";
import { newReadModelName } from "../redis/read-model-name.ts";
import type { RedisConnection } from "../redis/redis-connection.ts";
import type { RedisService } from "../redis/redis-service.ts";
import type { ScriptedRedis } from "../redis/scripted-redis.ts";
import type { Stream } from "../stream.ts";
import { type RebuildTrace, traced, traces } from "../tracing.ts";
import type { TableReads } from "./table-reads.ts";

/** Rows copied at a time, or fewer large ones: small enough that no reader waits long behind one portion. */
const CHUNK = 500;
/** Another process's rebuild is believed to be alive for this long after its last portion. Milliseconds. */
const LOCK_MS = 5000;

/**
 * Copies the table into a new read model and puts it in force in place of `current`. Commands and reads go on
 * meanwhile; what they commit is caught up from the change log afterwards.
 *
 * @returns the new name, or undefined when another process rebuilds or has put its own read model in force
 */
export function rebuild<T extends object>(
  stream: Stream<T>,
  ...of: [table: TableReads<T>, redis: RedisService, connection: RedisConnection, current: string | null]
): Promise<string | undefined> {
  const describe = (): RebuildTrace => ({ stream: stream.definition.name });
  return traced(traces.rebuild, describe, async (trace) => {
    const name = await rebuildIfFree(stream, ...of);
    if (trace) trace.isInForce = name !== undefined;
    return name;
  });
}

async function rebuildIfFree<T extends object>(
  stream: Stream<T>,
  table: TableReads<T>,
  redis: RedisService,
  connection: RedisConnection,
  current: string | null,
): Promise<string | undefined> {
  const name = newReadModelName(connection, stream.definition.format.version);
  const lock = rebuildLockKey(stream.definition.name);
  // the lock spares work and guards nothing: where it cannot be had for a fault of Redis, the copy will show the fault
  const held = await redis.call(connection, (shared) => takeLock(shared, lock, name)).catch(() => "unknown" as const);
  if (held === "another's") return undefined;
  const whileHeld = async (send: (shared: ScriptedRedis) => Promise<unknown>) => {
    if (held === "ours") await redis.call(connection, send).catch(() => {});
  };
  try {
    return await copy(stream, table, redis, connection, current, name, () =>
      whileHeld((shared) => shared.set(lock, name, "PX", LOCK_MS)),
    );
  } finally {
    await whileHeld((shared) => shared.del(lock));
  }
}

/**
 * Takes the lock if it is free. A key that will not soon vanish is no lock of this program: it is left alone and keeps
 * nobody from rebuilding.
 */
async function takeLock(shared: ScriptedRedis, lock: string, name: string): Promise<"ours" | "another's" | "nobody's"> {
  if ((await shared.set(lock, name, "PX", LOCK_MS, "NX")) !== null) return "ours";
  const timeToLiveMs = await shared.pttl(lock);
  return timeToLiveMs === -1 || timeToLiveMs > LOCK_MS ? "nobody's" : "another's";
}

/**
 * The copy has a name and a connection of its own: nobody reads it before it is complete, and if the connection is
 * lost or an answer does not come, the attempt is given up and its name with it.
 */
async function copy<T extends object>(
  stream: Stream<T>,
  table: TableReads<T>,
  redis: RedisService,
  connection: RedisConnection,
  current: string | null,
  name: string,
  onProgress: () => Promise<unknown>,
): Promise<string | undefined> {
  const { name: streamName, key, order: by } = stream.definition;
  const { rows, order } = readModelKeys(streamName, name);
  return redis.withOwnConnection(connection, rows, async (own) => {
    const discard = () => own.unlink(rows, order).catch(() => {});
    try {
      await table.snapshot(CHUNK, async (row, portions) => {
        let size = 0;
        for await (const { rows: chunk } of portions) {
          const fields = chunk.flatMap((instance) => [
            memberOf(by?.of, String(instance[key])),
            JSON.stringify(instance),
          ]);
          await Promise.all([own.loadRows(rows, order, TIME_TO_LIVE_MS, ...fields), onProgress()]);
          size += chunk.length;
        }
        if (!(await own.finishLoad(rows, order, formatMark(row), size, TIME_TO_LIVE_MS))) {
          throw new Error("the copy does not hold what was written to it");
        }
      });
    } catch (error) {
      await discard();
      throw error;
    }
    // from here on the name may be in force even if the answer is lost, so the keys stay unless the row says otherwise
    if (await stream.replaceReadModel(current, name)) return name;
    await discard();
    return undefined;
  });
}
