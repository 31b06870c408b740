import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../network/port.ts";
import { temporaryDirectory } from "../temporary-directory.ts";
import { eventually } from "../wait.ts";
import { RedisServer, started, startRedis } from "./server.ts";

/** A master with one replica, watched by three sentinels. */
export interface Sentinels {
  readonly url: string;
  readonly master: RedisServer;
  readonly replica: RedisServer;
  /** The port of the master, as the sentinels see it. */
  masterPort(): Promise<number>;
}

export async function startSentinels(): Promise<Sentinels> {
  const master = await startRedis();
  const replica = await startRedis("--replicaof", "127.0.0.1", `${master.port}`);
  await eventually("the replica follows", async () => (await replica.client.info()).includes("master_link_status:up"));
  const sentinels = await Promise.all([0, 1, 2].map(() => startSentinel(master)));
  const [first] = sentinels as [RedisServer, ...RedisServer[]];
  await eventually("the sentinels know each other and the replica", async () => {
    const state = await Promise.all(sentinels.map(({ client }) => client.info("sentinel")));
    return state.every((text) => text.includes("slaves=1,sentinels=3"));
  });
  return {
    url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/books`,
    master,
    replica,
    masterPort: async () => {
      const address = (await first.client.call("SENTINEL", "get-master-addr-by-name", "books")) as [string, string];
      return Number(address[1]);
    },
  };
}

/** One sentinel, for a master that need not be there. */
export async function startSentinel(
  { host = "127.0.0.1", port: masterPort }: { host?: string; port: number },
  ...lines: readonly string[]
): Promise<RedisServer> {
  const port = await freePort();
  const directory = temporaryDirectory();
  const config = join(directory, "sentinel.conf");
  writeFileSync(
    config,
    `port ${port}
bind 127.0.0.1
${lines.join("\n")}
sentinel monitor books ${host} ${masterPort} 2
sentinel down-after-milliseconds books 500
sentinel failover-timeout books 3000
`,
  );
  return started(new RedisServer(port, directory, [config, "--sentinel"]));
}
