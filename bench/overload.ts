import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { cleaningUp } from "../test/support/cleanup.ts";
import { startRedis } from "../test/support/redis/server.ts";
import { temporaryDirectory } from "../test/support/temporary-directory.ts";
import { OpenLoop, type Outcome } from "./open-loop.ts";
import { Databases } from "./seed.ts";
import { moveToLoadCore, Server } from "./server.ts";

/** Offers many times what the service can answer, and shows what it still answers, how fast it refuses, and that it recovers. */
const USAGE = `npm run overload -- [options]
  --times N        how many times its capacity is offered (10)
  --seconds N      for how long (60)
  --books N        how many books each request asks for, which is what makes it dear (500)
  --without-redis  Redis dies when it begins, and comes back with the calm`;

const { values } = parseArgs({
  options: {
    times: { type: "string", default: "10" },
    seconds: { type: "string", default: "60" },
    books: { type: "string", default: "500" },
    "without-redis": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const isWithout = values["without-redis"];
const [times, seconds, books] = [values.times, values.seconds, values.books].map(Number) as [number, number, number];
if (values.help || !(times >= 1) || !(seconds >= 1) || !(books >= 1 && books <= 500)) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

const BOOKS = 1000;
const CONNECTIONS = 1000;
/** While the capacity is measured. */
const CALM = { connections: 32, seconds: 5 };
const RECOVERY_MS = 10_000;
/** A refusal is to come within this time. */
const SOON_MS = 50;

/** Each is another text: no answer is one that was given before. */
const pageOf = (n: number) =>
  JSON.stringify({
    query:
      "query ($n: Int!) { booksConnection(first: $n) { nodes: edges { node { id title author isbn publishedDate stockQuantity version } } } }",
    variables: { n: books },
    extensions: { n },
  });

moveToLoadCore();
await cleaningUp(async () => {
  const redis = await startRedis();
  const file = await new Databases(temporaryDirectory()).copyOf(BOOKS);
  const env = { DATABASE_URL: `sqlite:${file}`, REDIS_URL: redis.url, LOG_LEVEL: "silent" };
  const server = new Server({ name: "the service", entry: "src/main.ts", env, database: file, servedBy: "redis" });
  await server.resume(pageOf(-1));
  server.spread();
  const loop = new OpenLoop(server.url, pageOf);
  await loop.connect(CONNECTIONS);

  const capacityNow = async () => rateOf(await loop.run(Number.POSITIVE_INFINITY, CALM.seconds, CALM.connections));
  await capacityNow();
  const cpuBefore = server.cpuSeconds();
  const before = await capacityNow();
  const cpuEach = (server.cpuSeconds() - cpuBefore) / (before * CALM.seconds);
  // what can be answered without Redis is another thing
  let possible = before;
  if (isWithout) {
    await redis.kill();
    await capacityNow();
    possible = await capacityNow();
    await redis.start();
    await sleep(RECOVERY_MS);
  }
  const memoryBefore = server.memoryMb();
  if (isWithout) await redis.kill();
  let memoryPeak = memoryBefore;
  const watch = setInterval(() => {
    memoryPeak = Math.max(memoryPeak, server.memoryMb());
  }, 100);
  const cpuAtFlood = server.cpuSeconds();
  const flood = await loop.run(times * possible, seconds);
  const cpuOfFlood = server.cpuSeconds() - cpuAtFlood;
  clearInterval(watch);
  if (isWithout) await redis.start();
  await sleep(RECOVERY_MS);
  const after = await capacityNow();
  loop.close();

  const answered = flood.ms.get(200) ?? [];
  const refused = flood.ms.get(503) ?? [];
  const others = [...flood.ms.keys()].filter((status) => status !== 200 && status !== 503);
  console.log(`capacity before: ${before.toFixed(0)}/s, ${(1000 / before).toFixed(2)} ms for each`);
  if (isWithout) console.log(`capacity without Redis: ${possible.toFixed(0)}/s`);
  console.log(
    `offered: ${(flood.sent / flood.seconds).toFixed(0)}/s for ${flood.seconds.toFixed(0)} s (${(flood.sent / flood.seconds / possible).toFixed(1)} times)`,
  );
  console.log(`not offered, because no connection was free: ${flood.unsent}`);
  console.log(
    `answered: ${rateOf(flood).toFixed(0)}/s, ${percent(rateOf(flood) / possible)} of the capacity${isWithout ? "" : ` before and ${percent(rateOf(flood) / after)} of that after it`}, ${spread(answered)}`,
  );
  const soon = refused.filter((ms) => ms <= SOON_MS).length / refused.length;
  console.log(
    `refused with 503: ${(refused.length / flood.seconds).toFixed(0)}/s, ${percent(soon)} within ${SOON_MS} ms, ${spread(refused)}`,
  );
  console.log(
    `Retry-After: ${[...flood.retryAfter]
      .sort()
      .map(([s, n]) => `${s} s ${percent(n / refused.length)}`)
      .join(", ")}`,
  );
  const cpuOfRefusals = cpuOfFlood - answered.length * cpuEach;
  console.log(
    `processor: ${(cpuEach * 1000).toFixed(2)} ms for an answer before, then ${((1000 * cpuOfRefusals) / refused.length).toFixed(3)} ms for a refusal`,
  );
  console.log(`other statuses: ${others.join(", ") || "none"}`);
  console.log(
    `memory: ${memoryBefore.toFixed(0)} MB before, ${memoryPeak.toFixed(0)} MB at most, ${server.memoryMb().toFixed(0)} MB after`,
  );
  console.log(
    `capacity ${RECOVERY_MS / 1000} s later: ${after.toFixed(0)}/s, ${percent(after / before)} of what it was`,
  );
});

function rateOf({ ms, seconds: measured }: Outcome): number {
  return (ms.get(200)?.length ?? 0) / measured;
}

function spread(ms: readonly number[]): string {
  const sorted = ms.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(0);
  return `within ${at(0.5)} ms (half), ${at(0.95)} ms (95 %), ${at(0.99)} ms (99 %), ${at(1)} ms (all)`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
