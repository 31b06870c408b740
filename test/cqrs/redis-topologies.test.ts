import { describe, expect, test } from "vitest";
import { newDatabase } from "../support/database/database.ts";
import { makeCertificates } from "../support/network/certificates.ts";
import { freePort } from "../support/network/port.ts";
import { startCluster } from "../support/redis/cluster.ts";
import { startSentinels } from "../support/redis/sentinels.ts";
import { startRedis } from "../support/redis/server.ts";
import { startService } from "../support/service/service.ts";
import { startProcess } from "../support/service/service-process.ts";
import { servedByRedis, witness } from "../support/service/witness.ts";
import { eventually } from "../support/wait.ts";

async function startTwo(REDIS_URL: string) {
  const { url: DATABASE_URL } = await newDatabase();
  const services = [
    await startService({ DATABASE_URL, REDIS_URL }),
    await startService({ DATABASE_URL, REDIS_URL }),
  ] as const;
  await servedByRedis(...services);
  return services;
}

describe("with Redis Sentinel, no read is older than an acknowledged write", () => {
  test("when the master dies and the replica takes over", async () => {
    const sentinels = await startSentinels();
    const services = await startTwo(sentinels.url);
    await witness(services, async () => {
      await sentinels.master.kill();
      await eventually("failover", async () => (await sentinels.masterPort()) === sentinels.replica.port, 20_000);
      await servedByRedis(...services);
    });
    expect(await sentinels.replica.client.keys("*:rows")).not.toEqual([]);
  });

  test("when the master hangs, is replaced and comes back", async () => {
    const sentinels = await startSentinels();
    const services = await startTwo(sentinels.url);
    await witness(services, async () => {
      sentinels.master.pause();
      await eventually("failover", async () => (await sentinels.masterPort()) === sentinels.replica.port, 20_000);
      await servedByRedis(...services);
      // for a while it still believes that it is the master
      sentinels.master.resume();
      await servedByRedis(...services);
    });
  });
});

describe("with Redis Cluster, no read is older than an acknowledged write", () => {
  /** The node that holds the read model in force, which has the youngest name. */
  async function nodeInForce(cluster: Awaited<ReturnType<typeof startCluster>>) {
    const counted = await Promise.all(
      cluster.nodes.map(async (node) => ({ node, keys: await node.client.keys("*:rows") })),
    );
    const holding = counted.filter(({ keys }) => keys.length > 0);
    expect(holding).toHaveLength(1);
    return holding[0] as { node: (typeof counted)[0]["node"]; keys: string[] };
  }

  test("while all is well, and every acknowledgement is a late one", async () => {
    const cluster = await startCluster();
    const services = await startTwo(cluster.url);
    const { servedBy } = await witness(services, async () => {});
    expect(servedBy).toContain("redis");
  });

  test("when the slot of the read model moves to another node", async () => {
    const cluster = await startCluster();
    const services = await startTwo(cluster.url);
    await witness(services, async () => {
      const { node: source, keys } = await nodeInForce(cluster);
      const target = cluster.nodes.find((node) => node !== source) as typeof source;
      const slot = String(await source.client.call("CLUSTER", "KEYSLOT", keys[0] as string));
      const [sourceId, targetId] = await Promise.all(
        [source, target].map(async ({ client }) => String(await client.call("CLUSTER", "MYID"))),
      );
      await target.client.call("CLUSTER", "SETSLOT", slot, "IMPORTING", sourceId as string);
      await source.client.call("CLUSTER", "SETSLOT", slot, "MIGRATING", targetId as string);
      for (;;) {
        const moving = (await source.client.call("CLUSTER", "GETKEYSINSLOT", slot, "10")) as string[];
        if (moving.length === 0) break;
        for (const key of moving) await source.client.call("MIGRATE", "127.0.0.1", `${target.port}`, key, "0", "5000");
      }
      for (const { client } of [target, source, ...cluster.nodes]) {
        await client.call("CLUSTER", "SETSLOT", slot, "NODE", targetId as string);
      }
      await servedByRedis(...services);
    });
  });

  test("when the node of the read model dies", async () => {
    const cluster = await startCluster();
    const services = await startTwo(cluster.url);
    await witness(services, async () => {
      const { node } = await nodeInForce(cluster);
      await node.kill();
      await eventually("the database answers", async () => {
        return (await services[0].book("x")).consistency.servedBy === "database";
      });
      await eventually(
        "the read model moves to a living node",
        async () => {
          return (await services[0].book("x")).consistency.servedBy === "redis";
        },
        25_000,
      );
    });
  }, 60_000);
});

describe("a REDIS_URL", () => {
  test("may ask for TLS, with a certificate that the machine is told to trust", async () => {
    const { ca, key, cert } = makeCertificates();
    const tls = await freePort();
    await startRedis(
      ...["--tls-port", `${tls}`, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", ca],
      ...["--tls-auth-clients", "no"],
    );
    const { url: DATABASE_URL } = await newDatabase();
    const REDIS_URL = `rediss://localhost:${tls}`;
    const trusting = await startProcess({ DATABASE_URL, REDIS_URL, NODE_EXTRA_CA_CERTS: ca });
    await servedByRedis(trusting);
    const suspicious = await startProcess({ DATABASE_URL, REDIS_URL });
    await eventually("the refusal is in the log", () => suspicious.log.includes("certificate"));
    expect((await suspicious.book("x")).consistency.servedBy).toBe("database");
  });

  test("may hold the user, the password, the database and the prefix that an ACL demands", async () => {
    const redis = await startRedis();
    const commands = ["+@all", "-@admin", "-@dangerous", "+info", "+client|info"];
    await redis.client.call("ACL", "SETUSER", "cata:logue", "on", ">p@ss/word", "~shop:*", ...commands);
    const { url: DATABASE_URL } = await newDatabase();
    const credentials = `${encodeURIComponent("cata:logue")}:${encodeURIComponent("p@ss/word")}`;
    const service = await startService({
      DATABASE_URL,
      REDIS_URL: `redis://${credentials}@127.0.0.1:${redis.port}/3?prefix=shop:`,
    });
    await servedByRedis(service);
    await service.addBook("Prefixed");
    await servedByRedis(service);
    await redis.client.select(3);
    expect((await redis.client.keys("*")).every((key) => key.startsWith("shop:{books"))).toBe(true);
  });
});
