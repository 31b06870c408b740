import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { freePort } from "../support/network/port.ts";
import { startSentinel } from "../support/redis/sentinels.ts";
import { type RedisServer, startRedis } from "../support/redis/server.ts";
import { type Service, startService } from "../support/service/service.ts";
import { startProcess } from "../support/service/service-process.ts";
import { servedByRedis } from "../support/service/witness.ts";
import { eventually } from "../support/wait.ts";

/** What the operator reads when a service that cannot do without this Redis does not start. */
async function refusalOf(REDIS_URL: string): Promise<string> {
  const { message } = (await startService({ REDIS_URL, REDIS_CRITICAL: "true" }).catch((error) => error)) as Error;
  expect(message).toMatch(/^REDIS_URL: Redis cannot be used \(.*\) and REDIS_CRITICAL is true\.$/);
  return message;
}

/** A server whose only user may do what `rights` say. */
const withRights = (...rights: string[]) => startRedis("--user", "default", "on", "nopass", "&*", "+@all", ...rights);

async function ready(service: Service) {
  const response = await fetch(new URL("/ready", service.url));
  return (await response.json()) as { ready: boolean; redis: string };
}

// two servers that cannot be had on this machine: one reached from another machine, and one of an old version
const PROTECTED = "DENIED Redis is running in protected mode because no password is set for the default user. In this…";
const NO_USERS = "ERR wrong number of arguments for 'auth' command";

/** A server that refuses each command, in these words or for want of a password. Returns its port. */
async function startRefuser(replies: Readonly<Record<string, string>>): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      for (const [, command = ""] of bytes.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
        socket.write(`-${replies[command.toLowerCase()] ?? "NOAUTH Authentication required."}\r\n`);
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe("Redis is down, and the log says why", () => {
  test.each([
    ["that INFO is not allowed", () => withRights("~*", "-info"), /NOPERM .*'info' command/],
    ["that scripts are not allowed", () => withRights("~*", "-@scripting"), /NOPERM .*'eval/],
    ["which commands are not allowed", () => withRights("~*", "-zlexcount", "-unlink"), /refuse zlexcount, unlink: /],
    ["which keys are needed", () => withRights("~other:*"), /NOPERM .*keys that begin with the prefix and \{books/],
    ["that it is a cluster", () => startRedis("--cluster-enabled", "yes"), /redis\+cluster:\/\//],
    ["that it is a sentinel", () => startSentinel({ port: 6379 }), /redis\+sentinel:\/\//],
    ["that it is a replica", () => startRedis("--replicaof", "127.0.0.1", "1"), /READONLY|MASTERDOWN/],
    ["that it is full", () => startRedis("--maxmemory", "1"), /OOM command not allowed/],
    ["which command is not there", () => startRedis("--rename-command", "ZLEXCOUNT", ""), /refuse zlexcount: /],
    ["that INFO is not there", () => startRedis("--rename-command", "INFO", ""), /unknown command 'info'\)/],
  ] as const)("%s", async (_, start, reason) => {
    expect(await refusalOf((await start()).url)).toMatch(reason);
  });

  test("that the database is not there, in place of which no other is used", async () => {
    const redis = await startRedis();
    expect(await refusalOf(`${redis.url}/16`)).toMatch(/database .* cannot be selected: ERR DB index is out of range/);
    const service = await startService({ REDIS_URL: `${redis.url}/16` });
    await service.addBook("Dune");
    expect(await ready(service)).toMatchObject({ ready: true, redis: "down" });
    expect(await redis.client.dbsize()).toBe(0);
  });

  test("that it accepts connections and is silent, or is not there at any address of its name", async () => {
    const redis = await startRedis();
    redis.pause();
    expect(await refusalOf(redis.url)).toContain("does not answer");
    redis.resume();
    expect(await refusalOf(`redis://localhost:${await freePort()}`)).toMatch(/\(connect ECONNREFUSED /);
  });

  test("what is the matter with sentinels", async () => {
    const sentinel = await startSentinel({ port: 6379 });
    const url = (path: string) => `redis+sentinel://127.0.0.1:${path}`;
    expect(await refusalOf(url(`${await freePort()}/books`))).toMatch(/sentinel .*refused or closed/);
    const unknown = await refusalOf(url(`${sentinel.port}/another-master`));
    expect(unknown).toMatch(/No such master/);
    expect(unknown).not.toContain("another-master");
    await sentinel.client.call("ACL", "SETUSER", "default", "resetpass", ">secret");
    expect(await refusalOf(url(`${sentinel.port}/books`))).toMatch(/NOAUTH .*\?sentinelPassword=/);
    const wrong = await refusalOf(url(`${sentinel.port}/books?sentinelPassword=guessed`));
    expect(wrong).toMatch(/WRONGPASS /);
    expect(wrong).not.toContain("guessed");
  });

  test("that redis+cluster:// leads to no cluster, or nowhere", async () => {
    const redis = await startRedis();
    expect(await refusalOf(`redis+cluster://127.0.0.1:${redis.port}`)).toMatch(
      /cluster support disabled; .*redis:\/\//,
    );
    expect(await refusalOf(`redis+cluster://127.0.0.1:${await freePort()}`)).toMatch(/no node of the cluster answers/);
  });

  test.each([
    ["is in protected mode", { hello: PROTECTED }, /\(DENIED the server is in protected mode\)/],
    ["knows no users", { hello: "ERR unknown command `HELLO`", auth: NO_USERS }, /Redis before 6 is not supported/],
  ])("that the server %s, and ioredis says nothing of its own", async (_, replies, reason) => {
    const warn = vi.spyOn(console, "warn");
    onTestFinished(() => warn.mockRestore());
    expect(await refusalOf(`redis://:pw@127.0.0.1:${await startRefuser(replies)}`)).toMatch(reason);
    expect(warn).not.toHaveBeenCalled();
  });

  test("in lines of JSON alone, another one when the reason is another, and without a word of the URL", async () => {
    const redis = await startRedis();
    const REDIS_URL = `redis://:first@127.0.0.1:${redis.port}`;
    const service = await startProcess({ DATABASE_URL: "sqlite::memory:", REDIS_URL });
    await servedByRedis(service);
    const reasons = () =>
      service.log
        .trimEnd()
        .split("\n")
        .flatMap((line) => JSON.parse(line).reason ?? []);
    // rotated, then taken away altogether
    await redis.client.config("SET", "requirepass", "second");
    await redis.client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await eventually("it is known that the password is wrong", () => reasons().some((text) => /WRONGPASS/.test(text)));
    await redis.kill();
    await eventually("it is known that nobody is there", () => reasons().some((text) => /ECONNREFUSED/.test(text)));
    expect(reasons()).toHaveLength(2);
    expect(service.log).not.toMatch(/first/);
  });
});

describe("Redis is used", () => {
  test.each([
    ["without HELLO, with a password", "HELLO", ":pw@", "/3"],
    ["without HELLO, though it wants no password", "HELLO", ":any@", ""],
    ["without CLIENT", "CLIENT", "", "/3"],
    ["without CLIENT and in the first database", "CLIENT", "", ""],
  ] as const)("%s", async (_, missing, credentials, database) => {
    const redis = await startRedis("--rename-command", missing, "");
    if (credentials === ":pw@") await redis.client.config("SET", "requirepass", "pw");
    const warn = vi.spyOn(console, "warn");
    onTestFinished(() => warn.mockRestore());
    await servedByRedis(await startService({ REDIS_URL: `redis://${credentials}127.0.0.1:${redis.port}${database}` }));
    // ioredis writes there, which is no line of the log
    expect(warn).not.toHaveBeenCalled();
  });

  test("through a socket", async () => {
    const redis = await startRedis("--unixsocket", "redis.sock");
    const socket = `${redis.directory}/redis.sock`;
    await servedByRedis(await startService({ REDIS_URL: `redis+unix://${socket}?database=2&prefix=shop:` }));
    await redis.client.select(2);
    expect((await redis.client.keys("*")).every((key) => key.startsWith("shop:{books"))).toBe(true);
  });

  test.each([
    ["a string that stays", (redis: RedisServer) => redis.client.set("{books}:rebuilding", "foreign")],
    ["of another type", (redis: RedisServer) => redis.client.hset("{books}:rebuilding", "a", "b")],
    ["that stays for long", (redis: RedisServer) => redis.client.set("{books}:rebuilding", "foreign", "EX", 3600)],
  ] as const)("though there is a key of the rebuild lock's name, %s, which is left alone", async (_, make) => {
    const redis = await startRedis();
    await make(redis);
    const before = await redis.client.dump("{books}:rebuilding");
    await servedByRedis(await startService({ REDIS_URL: redis.url }));
    expect(await redis.client.dump("{books}:rebuilding")).toEqual(before);
  });

  test("again soon after it was flushed many times", async () => {
    const redis = await startRedis();
    const service = await startService({ REDIS_URL: redis.url });
    for (let flush = 0; flush < 10; flush++) {
      await servedByRedis(service);
      await redis.client.flushall();
    }
    await servedByRedis(service);
  }, 60_000);
});

describe("while Redis answers but cannot be read or written", () => {
  test.each([
    ["full", ["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"]],
    ["read-only", ["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]],
    ["without a right", ["ACL", "SETUSER", "default", "-hmget"], ["ACL", "SETUSER", "default", "+hmget"]],
  ])("as it is %s, a service that needs it is not ready, refuses queries, and recovers", async (_, spoil, mend) => {
    const redis = await startRedis();
    const call = ([command = "", ...args]: string[]) => redis.client.call(command, ...args);
    const service = await startService({ REDIS_URL: redis.url, REDIS_CRITICAL: "true" });
    await servedByRedis(service);
    expect(await ready(service)).toMatchObject({ ready: true, redis: "up" });

    await call(spoil);
    await eventually("not ready", async () => !(await ready(service)).ready);
    await eventually("queries are refused", async () => {
      const { errors } = await service.send("{ books { title } }");
      return errors?.[0]?.extensions.code === "SERVICE_UNAVAILABLE";
    });
    await service.addBook("Dune");

    await call(mend);
    await servedByRedis(service);
    await eventually("ready", async () => (await ready(service)).ready);
  });
});
