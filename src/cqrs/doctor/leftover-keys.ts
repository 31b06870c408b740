import { readModelKeys } from "../redis/keys.ts";
import type { RedisConnection } from "../redis/redis-connection.ts";
import { serversOf } from "../redis/redis-greeting.ts";
import type { RedisService } from "../redis/redis-service.ts";
import type { Findings } from "./findings.ts";

/** Keys that a server looks at for one answer: it has that done in less than a millisecond. */
const SCANNED = 1000;

/**
 * The keys of read models of a stream that are not in force and will not vanish by themselves. Those that this program makes
 * have a time to live from the beginning, also while they are built; one without was given that by somebody else.
 */
export async function leftoverKeys(
  redis: RedisService,
  connection: RedisConnection,
  stream: string,
  inForce: string | null,
): Promise<{ readonly forEver: readonly string[]; readonly vanishing: number }> {
  const own = Object.values(readModelKeys(stream, inForce ?? ""));
  const found: string[] = [];
  const pattern = `${redis.prefix}{${stream}:`.replaceAll(/[*?[\]\\]/g, "\\$&");
  for (const server of serversOf(connection.client)) {
    for (let cursor = "0"; ; ) {
      const [next, keys] = await redis.call(connection, () =>
        server.scan(cursor, "MATCH", `${pattern}*`, "COUNT", SCANNED),
      );
      for (const key of keys) if (/\}:(rows|order)$/.test(key)) found.push(key.slice(redis.prefix.length));
      if (next === "0") break;
      cursor = next;
    }
  }
  const forEver = new Set<string>();
  let vanishing = 0;
  for (const key of new Set(found)) {
    if (own.includes(key)) continue;
    const timeToLive = await redis.call(connection, (shared) => shared.pttl(key));
    if (timeToLive === -1) forEver.add(key);
    else if (timeToLive >= 0) vanishing++;
  }
  return { forEver: [...forEver], vanishing };
}

/** Tells of them. */
export async function checkLeftoverKeys(
  redis: RedisService,
  connection: RedisConnection,
  stream: string,
  inForce: string | null,
  findings: Findings,
): Promise<void> {
  const { forEver, vanishing } = await leftoverKeys(redis, connection, stream, inForce);
  for (const key of forEver)
    findings.differ("left over", `the key ${key} is of no read model in force, and stays for ever`);
  if (vanishing > 0)
    findings.note(
      `${vanishing} keys in Redis are of read models that are not in force here; they vanish by themselves`,
    );
}
