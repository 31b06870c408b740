import { Cluster, Redis, type RedisOptions } from "ioredis";
import { type ScriptedRedis, scripts } from "./scripts.ts";

/** Where Redis is and how to get in, as a `REDIS_URL` says it. */
export interface RedisTarget {
  readonly kind: "server" | "sentinel" | "cluster";
  /** The server, the sentinels, or nodes of the cluster that know the others. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** The name under which the sentinels know the master. */
  readonly master: string;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
  readonly database: number;
  /** Stands before every key. */
  readonly prefix: string;
}

/** What a `REDIS_URL` may be, for people. */
export const REDIS_URL_FORMS =
  "redis://[[user]:password@]host[:port][/database], rediss://… (TLS), " +
  "redis+sentinel://[[user]:password@]host[:port],host[:port]…/master[/database] or redis+cluster://…host[:port],host[:port]…";

const URL_PARTS =
  /^(redis|rediss|redis\+sentinel|redis\+cluster):\/\/(?:([^@/]*)@)?([^@/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const QUERY_NAMES = new Set(["tls", "prefix", "sentinelUsername", "sentinelPassword"]);

/** `undefined` for what is not one of {@link REDIS_URL_FORMS}. */
export function parseRedisUrl(url: string): RedisTarget | undefined {
  const [, scheme, credentials = "", hosts = "", path = "", search = ""] = URL_PARTS.exec(url) ?? [];
  if (!scheme) return undefined;
  const kind = scheme === "redis+sentinel" ? "sentinel" : scheme === "redis+cluster" ? "cluster" : "server";

  const nodes = hosts.split(",").map((host) => parseNode(host, kind === "sentinel" ? 26379 : 6379));
  if (nodes.includes(undefined) || (kind === "server" && nodes.length > 1)) return undefined;

  const segments = path.split("/").filter((segment) => segment !== "");
  const master = kind === "sentinel" ? segments.shift() : "";
  const [database = "0", ...rest] = segments;
  if (master === undefined || rest.length > 0 || !/^\d{1,5}$/.test(database)) return undefined;
  if (kind === "cluster" && database !== "0") return undefined;

  const query = new URLSearchParams(search);
  if ([...query.keys()].some((name) => !QUERY_NAMES.has(name))) return undefined;
  try {
    const [username, password] = credentials.split(/:(.*)/s).map(decodeURIComponent);
    return {
      kind,
      nodes: nodes as RedisTarget["nodes"],
      master: decodeURIComponent(master),
      tls: scheme === "rediss" || query.get("tls") === "true",
      username: username || undefined,
      password: password || undefined,
      sentinelUsername: query.get("sentinelUsername") ?? undefined,
      sentinelPassword: query.get("sentinelPassword") ?? undefined,
      database: Number(database),
      prefix: query.get("prefix") ?? "",
    };
  } catch {
    return undefined;
  }
}

/**
 * What every connection has in common: nothing waits for a connection that is not there, and no command outlives the
 * one that it was sent over.
 */
const options = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  disconnectTimeout: 200,
  scripts,
} satisfies RedisOptions;

export interface ClientOptions {
  /** How long connecting may take, in milliseconds. */
  readonly connectTimeout: number;
  /** How long to wait before the attempt with this number, in milliseconds. */
  readonly retryStrategy: (attempt: number) => number;
}

/** A client for `target`, not yet connected, that connects again by itself. */
export function createClient(target: RedisTarget, { connectTimeout, retryStrategy }: ClientOptions): ScriptedRedis {
  if (target.kind !== "cluster") {
    const limits: RedisOptions = { connectTimeout, retryStrategy, sentinelRetryStrategy: retryStrategy };
    return new Redis({ ...serverOptions(target), ...limits, replyMapping: "legacy" }) as ScriptedRedis;
  }
  const { enableOfflineQueue, lazyConnect, ...node } = options;
  return new Cluster([...target.nodes], {
    enableOfflineQueue,
    lazyConnect,
    scripts,
    clusterRetryStrategy: retryStrategy,
    slotsRefreshTimeout: connectTimeout,
    slotsRefreshInterval: 5000,
    redisOptions: { ...node, ...credentials(target), connectTimeout },
    keyPrefix: target.prefix,
    // a cluster node is asked by its address, which a certificate for its name does not cover
    dnsLookup: (address: string, found: (error: null, address: string) => void) => found(null, address),
  } as never) as unknown as ScriptedRedis;
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
  const node = target.kind === "cluster" ? await nodeOf(shared, target.prefix + key) : {};
  const once: RedisOptions = { retryStrategy: null, sentinelRetryStrategy: () => null };
  return new Redis({ ...serverOptions(target), ...node, ...limits, ...once, replyMapping: "legacy" }) as ScriptedRedis;
}

function serverOptions(target: RedisTarget): RedisOptions {
  const { kind, nodes, master, database, prefix, sentinelUsername, sentinelPassword, tls } = target;
  const place =
    kind === "sentinel"
      ? {
          sentinels: [...nodes],
          name: master,
          ...(sentinelUsername && { sentinelUsername }),
          ...(sentinelPassword && { sentinelPassword }),
          ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
        }
      : nodes[0];
  return { ...options, ...place, ...credentials(target), db: database, keyPrefix: prefix };
}

function credentials({ username, password, tls }: RedisTarget): RedisOptions {
  return { ...(username && { username }), ...(password && { password }), ...(tls && { tls: {} }) };
}

async function nodeOf(cluster: ScriptedRedis, key: string): Promise<{ host: string; port: number }> {
  const [slot, ranges] = await Promise.all([cluster.cluster("KEYSLOT", key), cluster.cluster("SLOTS")]);
  for (const [first, last, master] of ranges) {
    if (master && first <= slot && slot <= last) return { host: master[0], port: master[1] };
  }
  throw new Error("no node of the cluster holds the slot");
}

function parseNode(text: string, defaultPort: number): { host: string; port: number } | undefined {
  const [, bracketed, name, port] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const host = bracketed ?? name;
  return host ? { host, port: port ? Number(port) : defaultPort } : undefined;
}
