import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "./cleanup.ts";
import { freePort } from "./port.ts";
import { RedisServer, started, startRedis } from "./redis.ts";
import { eventually } from "./wait.ts";

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

/** Three masters that share the slots, and no replicas. */
export interface RedisCluster {
  readonly url: string;
  readonly nodes: readonly RedisServer[];
}

export async function startCluster(): Promise<RedisCluster> {
  const options = [
    "--cluster-enabled",
    "yes",
    "--cluster-node-timeout",
    "1000",
    "--cluster-require-full-coverage",
    "no",
  ];
  const nodes = await Promise.all([0, 1, 2].map(() => startRedis(...options)));
  const [first] = nodes as [RedisServer, ...RedisServer[]];
  const slots = [0, 5461, 10923, 16384] as const;
  await Promise.all(
    nodes.map(async ({ client, port }, i) => {
      await client.call("CLUSTER", "ADDSLOTSRANGE", `${slots[i]}`, `${(slots[i + 1] as number) - 1}`);
      if (port !== first.port) await client.call("CLUSTER", "MEET", "127.0.0.1", `${first.port}`);
    }),
  );
  await eventually("the cluster is complete", async () => {
    const states = await Promise.all(nodes.map(({ client }) => client.call("CLUSTER", "INFO")));
    return states.every((state) => /cluster_state:ok.*cluster_slots_ok:16384.*cluster_known_nodes:3/s.test(`${state}`));
  });
  return {
    url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
    nodes,
  };
}

/** The files of a certificate authority's certificate, and of a key and a certificate that it signed. */
export interface Certificates {
  readonly ca: string;
  readonly key: string;
  readonly cert: string;
}

/** Makes a certificate for this machine and for `redis.example`. */
export function makeCertificates(): Certificates {
  const directory = temporaryDirectory();
  const file = (name: string) => join(directory, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "ignore" });
  const fresh = ["-newkey", "rsa:2048", "-nodes"];
  openssl("req", "-x509", ...fresh, "-keyout", file("ca.key"), "-out", file("ca.pem"), "-subj", "/CN=Test CA");
  openssl("req", ...fresh, "-keyout", file("key.pem"), "-out", file("request.pem"), "-subj", "/CN=localhost");
  writeFileSync(file("names"), "subjectAltName=DNS:localhost,DNS:redis.example,IP:127.0.0.1\n");
  const signed = ["-CA", file("ca.pem"), "-CAkey", file("ca.key"), "-CAcreateserial", "-extfile", file("names")];
  openssl("x509", "-req", "-in", file("request.pem"), ...signed, "-out", file("cert.pem"));
  return { ca: file("ca.pem"), key: file("key.pem"), cert: file("cert.pem") };
}
