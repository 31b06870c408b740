import { isIP, type Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { AbstractConnector, Cluster, Redis, type RedisOptions, SentinelConnector } from "ioredis";
import type { RedisTarget } from "./redis-url.ts";
import { type ScriptedRedis, scripts } from "./scripted-redis.ts";

/**
 * What every connection has in common: nothing waits for a connection that is not there, and no command outlives the
 * one that it was sent over. The service greets a server itself: ioredis writes to the console where INFO is refused.
 */
const options = {
  lazyConnect: true,
  enableOfflineQueue: false,
  enableReadyCheck: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  disconnectTimeout: 200,
  scripts,
} satisfies RedisOptions;

export interface ClientOptions {
  /** How long connecting may take, and asking a sentinel or node for the others, in milliseconds. */
  readonly connectTimeout: number;
  /** How long to wait before the next attempt, in milliseconds. */
  readonly retryStrategy: () => number;
  /** The same, after an attempt in which no sentinel named a master. */
  readonly sentinelRetryStrategy: () => number;
}

/** A client for `target`, not yet connected, that connects again by itself. */
export function createClient(target: RedisTarget, limits: ClientOptions): ScriptedRedis {
  const { connectTimeout, retryStrategy } = limits;
  if (target.kind !== "cluster") {
    return new Redis({ ...serverOptions(target, connectTimeout), ...limits, replyMapping: "legacy" }) as ScriptedRedis;
  }
  const { enableOfflineQueue, enableReadyCheck, lazyConnect, ...node } = options;
  return new Cluster(
    target.nodes.map(nodeOptions(target)) as never,
    {
      enableOfflineQueue,
      enableReadyCheck,
      lazyConnect,
      scripts,
      clusterRetryStrategy: retryStrategy,
      slotsRefreshTimeout: connectTimeout,
      slotsRefreshInterval: 5000,
      redisOptions: { ...node, enableReadyCheck, ...credentials(target), connectTimeout },
      keyPrefix: target.prefix,
      // each node is asked for by its own name
      natMap: (key: string) => nodeOptions(target)(nodeOfKey(key)),
      // a cluster node is asked by its address, which a certificate for its name does not cover
      dnsLookup: (address: string, found: (error: null, address: string) => void) => found(null, address),
    } as never,
  ) as unknown as ScriptedRedis;
}

/**
 * A client for one connection that is not made again: to the server that `shared` reaches, or on a cluster to the node
 * that holds `key`. Its commands time out after `commandTimeout` milliseconds.
 */
export async function createOwnClient(
  target: RedisTarget,
  shared: ScriptedRedis,
  key: string,
  limits: { readonly connectTimeout: number; readonly commandTimeout: number },
): Promise<ScriptedRedis> {
  const place =
    target.kind === "cluster"
      ? { ...options, ...nodeOptions(target)(await nodeOf(shared, target.prefix + key)), ...credentials(target) }
      : serverOptions(target, limits.connectTimeout);
  const once: RedisOptions = { retryStrategy: null, sentinelRetryStrategy: () => null };
  return new Redis({
    ...{ ...place, ...limits, ...once },
    keyPrefix: target.prefix,
    replyMapping: "legacy",
  }) as ScriptedRedis;
}

function serverOptions(target: RedisTarget, sentinelCommandTimeout: number): RedisOptions {
  const { kind, nodes, socket, master, database, prefix, sentinelUsername, sentinelPassword, tls } = target;
  const [node = {}] = kind === "server" ? nodes.map(nodeOptions(target)) : [];
  const sentinels: RedisOptions = {
    sentinels: [...nodes],
    name: master,
    sentinelCommandTimeout,
    ...(sentinelUsername && { sentinelUsername }),
    ...(sentinelPassword && { sentinelPassword }),
    ...(tls && { ...tlsTo(target), enableTLSForSentinelMode: true, Connector: namingConnector(target) as never }),
    // the master is asked for by its own name
    natMap: ((key: string) => {
      const { host, port } = nodeOfKey(key);
      return { host, port, ...tlsTo(target, host).tls };
    }) as never,
  };
  return {
    ...options,
    ...(kind === "sentinel" ? sentinels : socket ? { path: socket } : node),
    ...credentials(target),
    db: database,
    keyPrefix: prefix,
  };
}

/**
 * With a password alone, the user is named as well: told the password of a user who has none, servers refuse the form
 * without a user, and ioredis then writes to the console.
 */
function credentials({ username, password }: RedisTarget): RedisOptions {
  return username || password ? { username: username ?? "default", password: password ?? "" } : {};
}

function nodeOptions(target: RedisTarget) {
  return ({ host, port }: { host: string; port: number }): RedisOptions => ({ host, port, ...tlsTo(target, host) });
}

/** Endpoints that many servers share tell them apart by the name that is asked for (SNI), which no address can be. */
function tlsTo({ tls }: RedisTarget, host = ""): { tls?: ConnectionOptions } {
  if (!tls) return {};
  const { name = isIP(host) ? "" : host, insecure, ...files } = tls;
  return { tls: { ...files, ...(name && { servername: name }), rejectUnauthorized: !insecure } };
}

/** What ioredis asks sentinels through, which it declares private. */
const Sentinels = SentinelConnector as unknown as new (
  options: RedisOptions,
) => { connectToSentinel(endpoint: { host: string }, options?: RedisOptions): Redis };

/** Asks each sentinel by its own name; ioredis has one name for all. */
function namingConnector(target: RedisTarget) {
  return class extends Sentinels {
    override connectToSentinel(endpoint: { host: string }, more?: RedisOptions): Redis {
      return super.connectToSentinel(endpoint, { ...more, ...tlsTo(target, endpoint.host) });
    }
  };
}

/** `HOST:PORT`, in which an IPv6 address has no brackets. */
function nodeOfKey(key: string): { host: string; port: number } {
  const colon = key.lastIndexOf(":");
  return { host: key.slice(0, colon), port: Number(key.slice(colon + 1)) };
}

async function nodeOf(cluster: ScriptedRedis, key: string): Promise<{ host: string; port: number }> {
  const [slot, ranges] = await Promise.all([cluster.cluster("KEYSLOT", key), cluster.cluster("SLOTS")]);
  for (const [first, last, master] of ranges) {
    if (master && first <= slot && slot <= last) return { host: master[0], port: master[1] };
  }
  throw new Error("no node of the cluster holds the slot");
}

/**
 * ioredis takes some refusals of AUTH and HELLO for warnings, writes them to the console and goes on. Here a server that
 * wants no password is simply used; one in protected mode, whose refusal reads alike, or too old to know users is not.
 */
for (const name of ["auth", "hello"] as const) {
  const send = Redis.prototype[name] as (...args: unknown[]) => Promise<unknown>;
  (Redis.prototype as unknown as Record<typeof name, typeof send>)[name] = async function (
    this: Redis,
    ...args: unknown[]
  ) {
    return send.apply(this, args).catch((error: Error) => {
      const { message } = error;
      if (/^ERR (Client sent AUTH, but no password is set|AUTH <password> called without)/.test(message)) return "OK";
      if (/^DENIED/.test(message)) throw new Error("DENIED the server is in protected mode", { cause: error });
      if (!/wrong number of arguments for 'auth'/.test(message)) throw error;
      throw new Error("the server takes no user with a password: Redis before 6 is not supported", { cause: error });
    });
  };
}

/**
 * A connection over TLS may tell of two errors: one that is ended before it is made, of a certificate that is refused and of what the
 * server says then. ioredis listens to the first one alone, and an error that nobody listens to ends the process.
 */
const streams = new WeakMap<object, Socket>();
Object.defineProperty(AbstractConnector.prototype, "stream", {
  get(this: object) {
    return streams.get(this);
  },
  set(this: object, stream: Socket) {
    streams.set(
      this,
      stream.on("error", () => {}),
    );
  },
});
