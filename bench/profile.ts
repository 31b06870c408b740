import { once } from "node:events";
import { parseArgs } from "node:util";
import { cleaningUp } from "../test/support/cleanup.ts";
import { startRedis } from "../test/support/redis/server.ts";
import { temporaryDirectory } from "../test/support/temporary-directory.ts";
import { catalogue } from "./catalogue.ts";
import { updateRequests } from "./requests.ts";
import { Databases } from "./seed.ts";
import { moveToLoadCore, Server } from "./server.ts";
import { CONNECTIONS, listing, reading } from "./workloads.ts";
import { type Load, Loader } from "./wrk.ts";

/**
 * Where the microseconds of one request go, from V8's sampling profiler:
 *
 *     npm run profile
 *     npm run profile -- --entry ../another-checkout/src/main.ts
 */
const { values } = parseArgs({ options: { entry: { type: "string", default: "src/main.ts" } } });

const SECONDS = 5;
const INTERVAL_US = 200;

/** What a sample is counted as, by the file of the innermost function that has one; the first that fits. */
const PARTS: readonly [part: string, file: RegExp][] = [
  ["GraphQL libraries", /node_modules\/(graphql|@graphql|@envelop|@whatwg-node|@pothos)/],
  ["Redis client", /node_modules\/(ioredis|@ioredis|redis-parser|dataloader)/],
  ["database libraries", /node_modules\/(@mikro-orm|kysely|better-sqlite3)/],
  ["other libraries", /node_modules\//],
  ["own: HTTP and GraphQL", /\/src\/(auth|graphql|http|rate)\//],
  ["own: books", /\/src\/books\//],
  ["own: kernel", /\/src\/cqrs\//],
  ["Node: HTTP, sockets, streams", /^node:(_http|net|internal\/(http|stream|streams|net)|_tls|stream|events)/],
  ["Node: the rest", /^node:/],
];
const COMPILED = "GraphQL, compiled";
const COLLECTOR = "garbage collection";
const NATIVE = "system calls, parser of HTTP";

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

moveToLoadCore();
const point = (size: number) => reading(catalogue(size));
const table: Record<string, Record<string, string>> = {};
await cleaningUp(async () => {
  const directory = temporaryDirectory();
  const databases = new Databases(directory);
  const loader = new Loader(directory);
  const redis = await startRedis();
  await profile("a book, asked again", 100_000, point(1000), true);
  await profile("a book, asked first", 100_000, point(100_000), true);
  await profile("100 books", 100, listing, true);
  await profile("a book, SQLite", 100_000, point(1000), false);
  const writes = updateRequests(catalogue(1000));
  await profile("95 % reads", 100_000, { ...point(1000), writes, writesOfThousand: 50 }, true);
  await profile("writes", 100_000, { ...point(1000), writes, writesOfThousand: 1000 }, true);

  async function profile(name: string, size: number, load: Load, fromRedis: boolean): Promise<void> {
    process.stderr.write(`${name}\n`);
    const database = await databases.copyOf(size);
    const server = new Server({
      name,
      entry: values.entry,
      database,
      servedBy: fromRedis ? "redis" : "database",
      env: {
        DATABASE_URL: `sqlite:${database}`,
        LOG_LEVEL: "warn",
        NODE_OPTIONS: "--inspect=127.0.0.1:0",
        ...(fromRedis && { REDIS_URL: redis.url }),
      },
    });
    await server.resume(load.reads[0] as string);
    await loader.run(load, server.url, CONNECTIONS, SECONDS, 1);
    const profiler = await connect(server.inspectorUrl);
    await profiler.send("Profiler.enable");
    await profiler.send("Profiler.setSamplingInterval", { interval: INTERVAL_US });
    await profiler.send("Profiler.start");
    const { requests } = await loader.run(load, server.url, CONNECTIONS, SECONDS, 2);
    const { profile: taken } = (await profiler.send("Profiler.stop")) as { profile: Profile };
    profiler.close();
    await server.pause();
    const parts = partsOf(taken);
    for (const [part, microseconds] of parts) {
      table[part] = { ...table[part], [name]: (microseconds / requests).toFixed(1) };
    }
    const all = [...parts.values()].reduce((sum, part) => sum + part, 0);
    table.all = { ...table.all, [name]: (all / requests).toFixed(1) };
  }
});
const { all, ...parts } = table;
console.log("microseconds of the server's core for one request");
console.table({ ...parts, all });

/** The time in each part, in microseconds; waiting is none. */
function partsOf({ nodes, samples, timeDeltas }: Profile): Map<string, number> {
  const parentOf = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node] as const)));
  const partOfNode = new Map(nodes.map((node) => [node.id, partOf(node, parentOf)]));
  const times = new Map<string, number>();
  samples.forEach((id, i) => {
    const part = partOfNode.get(id);
    if (part) times.set(part, (times.get(part) ?? 0) + Math.max(0, timeDeltas[i] as number));
  });
  return times;
}

function partOf(node: ProfileNode, parentOf: ReadonlyMap<number, ProfileNode>): string | undefined {
  const { functionName } = node.callFrame;
  if (functionName === "(idle)" || functionName === "(root)") return undefined;
  if (functionName === "(garbage collector)") return COLLECTOR;
  if (functionName === "(program)" || /^(write\w*String|writev|writeBuffer)$/.test(functionName)) return NATIVE;
  // what is built in, as JSON.parse is, belongs to who called it; what has been compiled has no file either
  for (let at: ProfileNode | undefined = node; at; at = parentOf.get(at.id)) {
    const { url } = at.callFrame;
    if (/^query\w*$|__\w+/.test(at.callFrame.functionName) && url === "") return COMPILED;
    if (url) return PARTS.find(([, file]) => file.test(decodeURI(url)))?.[0];
  }
  return "Node: the rest";
}

/** Speaks the inspector's protocol. */
async function connect(url: string) {
  const socket = new WebSocket(url);
  await once(socket, "open");
  let last = 0;
  return {
    async send(method: string, params = {}): Promise<unknown> {
      const id = ++last;
      socket.send(JSON.stringify({ id, method, params }));
      for (;;) {
        const [{ data }] = await once(socket, "message");
        const reply = JSON.parse(data);
        if (reply.id === id) return reply.result;
      }
    },
    close: () => socket.close(),
  };
}
