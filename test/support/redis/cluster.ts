import { eventually } from "../wait.ts";
import { type RedisServer, startRedis } from "./server.ts";

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
