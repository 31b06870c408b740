import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { createClient } from "../../src/cqrs/redis/redis-client.ts";
import { parseRedisUrl } from "../../src/cqrs/redis/redis-url.ts";
import { type Certificates, makeCertificates } from "../support/network/certificates.ts";
import { freePort } from "../support/network/port.ts";
import { startTlsRouter } from "../support/network/tls-router.ts";
import { startSentinel } from "../support/redis/sentinels.ts";
import { type RedisServer, startRedis } from "../support/redis/server.ts";
import { startService } from "../support/service/service.ts";
import { servedByRedis } from "../support/service/witness.ts";
import { eventually } from "../support/wait.ts";

const serve = async (REDIS_URL: string) => servedByRedis(await startService({ REDIS_URL }));

async function refusalOf(REDIS_URL: string): Promise<string> {
  return startService({ REDIS_URL, REDIS_CRITICAL: "true" }).then(
    () => "none",
    ({ message }: Error) => message,
  );
}

/** A server that speaks TLS alone, and whose certificate no machine trusts. */
async function startTlsRedis({ ca, key, cert }: Certificates, clients: "yes" | "no"): Promise<{ port: number }> {
  const port = await freePort();
  const files = ["--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", ca];
  await startRedis("--tls-port", `${port}`, ...files, "--tls-auth-clients", clients);
  return { port };
}

describe("an endpoint that routes by name", () => {
  test("leads to a server, reached by its name or by another that the URL gives", async () => {
    const files = makeCertificates();
    const redis = await startRedis();
    const port = await startTlsRouter(files, { localhost: redis.port, "redis.example": redis.port });
    await serve(`rediss://localhost:${port}?ca=${files.ca}`);
    await serve(`rediss://127.0.0.1:${port}?ca=${files.ca}&tlsName=redis.example`);
    expect(await refusalOf(`rediss://127.0.0.1:${port}?ca=${files.ca}`)).toContain("REDIS_URL: Redis cannot be used");
  });

  test("leads to sentinels, and to the master that they name", async () => {
    const files = makeCertificates();
    const master = await startTlsRouter(files, { localhost: (await startRedis()).port });
    const lines = ["sentinel resolve-hostnames yes", "sentinel announce-hostnames yes"];
    const sentinel = await startSentinel({ host: "localhost", port: master }, ...lines);
    const port = await startTlsRouter(files, { localhost: sentinel.port });
    await serve(`redis+sentinel://localhost:${port}/books?tls=true&ca=${files.ca}`);
  });

  test("leads to the nodes of a cluster", async () => {
    const files = makeCertificates();
    const routes: Record<string, number> = {};
    const port = await startTlsRouter(files, routes);
    const announced = ["--cluster-announce-hostname", "localhost", "--cluster-preferred-endpoint-type", "hostname"];
    const node = await startRedis("--cluster-enabled", "yes", "--cluster-announce-port", `${port}`, ...announced);
    routes.localhost = node.port;
    await node.client.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
    const isComplete = async ({ client }: RedisServer) => /state:ok/.test(String(await client.call("CLUSTER", "INFO")));
    await eventually("the cluster is complete", () => isComplete(node));
    await serve(`redis+cluster://localhost:${port}?tls=true&ca=${files.ca}`);
  });
});

test("a server may want a certificate, and its own may be trusted by file or not looked at", async () => {
  const files = makeCertificates();
  const { port } = await startTlsRedis(files, "yes");
  const own = `cert=${files.cert}&key=${files.key}`;
  await serve(`rediss://localhost:${port}?ca=${files.ca}&${own}`);
  await serve(`rediss://localhost:${port}?tlsInsecure=true&${own}`);
  expect(await refusalOf(`rediss://localhost:${port}?${own}`)).toMatch(/self-signed certificate.* named by \?ca=FILE/);
});

test("a connection that is given up before its certificate is refused does no harm", async () => {
  const files = makeCertificates();
  const { port } = await startTlsRedis(files, "yes");
  const target = parseRedisUrl(`rediss://localhost:${port}?cert=${files.cert}&key=${files.key}`);
  const never = () => 1_000_000;
  // of so many some meet the moment in which the server still says something; it would be an error of this run
  for (let n = 0; n < 40; n++) {
    const client = createClient(target, { connectTimeout: 10_000, retryStrategy: never, sentinelRetryStrategy: never });
    const ended = new Promise((resolve) => client.once("close", resolve));
    client.on("error", () => {});
    client.connect().catch(() => {});
    await nextTurn();
    client.disconnect();
    await ended;
  }
});

test("what a server says that expects TLS, or none, leads on", async () => {
  const files = makeCertificates();
  const { port } = await startTlsRedis(files, "no");
  expect(await refusalOf(`redis://localhost:${port}`)).toMatch(/it speaks TLS \(rediss:\/\/\)/);
  const plain = await startRedis();
  expect(await refusalOf(`rediss://127.0.0.1:${plain.port}`)).toMatch(
    /a server that does not speak TLS is silent here/,
  );
});
