import { parseArgs } from "node:util";
import { cleaningUp } from "../../test/support/cleanup.ts";
import { newDatabase } from "../../test/support/database/database.ts";
import { subscribeNow } from "../../test/support/live/subscriber.ts";
import { freePort } from "../../test/support/network/port.ts";
import startPostgres from "../../test/support/postgres/run-server.ts";
import { startRedis } from "../../test/support/redis/server.ts";
import { GraphqlClient } from "../../test/support/service/graphql-client.ts";
import { type ServiceProcess, startProcess } from "../../test/support/service/service-process.ts";
import { eventually } from "../../test/support/wait.ts";
import { Clients } from "./clients.ts";
import { HaProxy } from "./ha-proxy.ts";

const USAGE = `npm run rolling -- [options]
  --restarts N  how often each of two processes behind HAProxy is restarted, one after the other (10)
  --clients N   clients that write, and read by POST and GET, meanwhile (24)
  --delay MS    STOP_DELAY_MS (4000)

Starts PostgreSQL, Redis, HAProxy as deploy/haproxy.cfg has it, and two processes, on this machine. Ends with 0 if every
request was answered, every write made once, and every subscriber told of every change once; else with 1.`;

const { values } = parseArgs({
  options: {
    restarts: { type: "string", default: "10" },
    clients: { type: "string", default: "24" },
    delay: { type: "string", default: "4000" },
    help: { type: "boolean", default: false },
  },
});
const [restarts, count, delay] = [Number(values.restarts), Number(values.clients), Number(values.delay)];
if (values.help || !(restarts >= 1) || !(count >= 3) || !(delay >= 0)) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

const TITLE = "A Book in Demand";
const NAMES = ["one", "two"] as const;

const stopPostgres = await startPostgres();
try {
  await cleaningUp(roll);
} finally {
  await stopPostgres();
}

async function roll(): Promise<void> {
  const redis = await startRedis();
  const { url: DATABASE_URL } = await newDatabase("postgresql");
  const ports = { one: await freePort(), two: await freePort() };
  const env = { DATABASE_URL, REDIS_URL: redis.url, TRUST_PROXY: "true", STOP_DELAY_MS: `${delay}`, LOG_LEVEL: "warn" };
  const processes = new Map<string, ServiceProcess>();
  const start = async (name: (typeof NAMES)[number]) => {
    processes.set(name, await startProcess({ ...env, PORT: `${ports[name]}` }));
  };
  await Promise.all(NAMES.map(start));
  const proxy = await HaProxy.start(ports.one, ports.two);
  const isUp = (name: string) => eventually(`HAProxy sends to ${name}`, () => proxy.isUp(name), 30_000);
  await Promise.all(NAMES.map(isUp));

  const client = new GraphqlClient(proxy.url);
  await client.addBook(TITLE);
  const subscribers = await Promise.all([
    subscribeNow("graphql-ws", proxy.url),
    subscribeNow("graphql-sse", proxy.url),
  ]);
  const clients = new Clients(proxy.url, TITLE);
  clients.start(count);
  for (let round = 1; round <= restarts; round++) {
    for (const name of NAMES) {
      const code = await processes.get(name)?.stop();
      if (code !== 0) throw new Error(`process ${name} ended with ${code}: ${processes.get(name)?.log}`);
      await start(name);
      await isUp(name);
    }
    console.log(`round ${round}: ${clients.total} requests, ${clients.losses.length} lost`);
  }
  await clients.stop();

  for (const loss of clients.losses.slice(0, 20)) console.log(JSON.stringify(loss));
  const written = clients.sent.write - clients.losses.filter(({ kind }) => kind === "write").length;
  const stock = (await client.book(TITLE)).data.book.stockQuantity;
  const told = await Promise.all(subscribers.map((subscriber) => subscriber.told(stock)));
  const once = told.every((changes) =>
    changes.every(({ revision }, i) => i === 0 || revision === changes[i - 1].revision + 1),
  );
  const { write, post, get } = clients.sent;
  console.log(`${restarts} rounds of restarts of two processes, STOP_DELAY_MS=${delay}, ${count} clients`);
  console.log(`requests: ${clients.total} (${write} writes, ${post} reads by POST, ${get} by GET)`);
  console.log(`lost: ${clients.losses.length}`);
  console.log(`writes acknowledged: ${written}; made: ${stock}`);
  const connects = subscribers.map((subscriber) => subscriber.connects).join(" and ");
  console.log(`changes told over ${connects} connections: ${told.map(({ length }) => length).join(" and ")}`);
  if (clients.losses.length > 0 || stock !== written || !once || told.some(({ length }) => length !== stock)) {
    process.exitCode = 1;
  }
}
