import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";

/** What is sent and trusted where connections are encrypted. */
interface RedisTls {
  /** The certificates to trust in place of those that the machine trusts, in PEM. */
  readonly ca?: Buffer;
  /** The certificate that this process shows, and its key, in PEM. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** The name that the server's certificate is for, where it is not the host's. */
  readonly name?: string;
  /** Whether any certificate will do. */
  readonly insecure: boolean;
}

/** Where Redis is and how to get in, as a `REDIS_URL` says it. */
export interface RedisTarget {
  readonly kind: "server" | "sentinel" | "cluster";
  /** The server, the sentinels, or nodes of the cluster that know the others; none for a socket. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** The path of a server's socket. */
  readonly socket: string | undefined;
  /** The name under which the sentinels know the master. */
  readonly master: string;
  readonly tls: RedisTls | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
  readonly database: number;
  /** Stands before every key. */
  readonly prefix: string;
}

/** What a `REDIS_URL` may be, for people. */
const REDIS_URL_FORMS =
  "redis://[[user]:password@]host[:port][/database], rediss://… (TLS), redis+unix://[[user]:password@]/path, " +
  "redis+sentinel://[[user]:password@]host[:port],host[:port]…/master[/database] or redis+cluster://…host[:port],host[:port]…";

const URL_PARTS =
  /^(redis|rediss|redis\+unix|redis\+sentinel|redis\+cluster):\/\/(?:([^@/]*)@)?([^@/?#]*)(?:\/([^?#@]*))?(?:\?([^#]*))?$/;
/** The settings that name files, and what a file must hold. */
const TLS_FILES = {
  ca: /-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/,
  cert: /-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/,
  key: /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
};
const TLS_SETTINGS = [...Object.keys(TLS_FILES), "tlsName", "tlsInsecure"];
const SENTINEL_SETTINGS = ["sentinelUsername", "sentinelPassword"];
const SETTINGS = ["prefix", "database", "tls", ...TLS_SETTINGS, ...SENTINEL_SETTINGS];

/** A `REDIS_URL` that cannot be used. The message goes on after the setting's name, and repeats nothing of the value. */
export class RedisUrlFault extends Error {}

/** @throws RedisUrlFault */
export function parseRedisUrl(url: string): RedisTarget {
  const [, scheme, credentials = "", hosts = "", path = "", search = ""] = URL_PARTS.exec(url) ?? [];
  if (!scheme) throw malformed();
  const kind = scheme === "redis+sentinel" ? "sentinel" : scheme === "redis+cluster" ? "cluster" : "server";
  const isSocket = scheme === "redis+unix";
  const settings = parseSettings(search);
  const encrypted = flag(settings, "tls") || scheme === "rediss";

  if (isSocket ? hosts !== "" || path === "" || encrypted : hosts === "") throw malformed();
  const nodes = isSocket ? [] : hosts.split(",").map((host) => parseNode(host, kind === "sentinel" ? 26379 : 6379));
  if (kind === "server" && nodes.length > 1) throw malformed();

  const segments = isSocket ? [] : path.split("/").filter((segment) => segment !== "");
  const master = kind === "sentinel" ? segments.shift() : "";
  const [database = "0", ...rest] = isSocket ? [settings.get("database")] : segments;
  if (master === undefined || rest.length > 0 || (settings.has("database") && !isSocket)) throw malformed();
  if (!/^\d{1,5}$/.test(database)) throw malformed();
  if (kind === "cluster" && database !== "0") throw new RedisUrlFault("must name no database: a cluster has but one");

  for (const [name, fits, needed] of [
    ...TLS_SETTINGS.map((name) => [name, encrypted, "TLS"] as const),
    ...SENTINEL_SETTINGS.map((name) => [name, kind === "sentinel", "redis+sentinel://"] as const),
  ]) {
    if (settings.has(name) && !fits) throw new RedisUrlFault(`must not hold ${name} without ${needed}`);
  }
  const [username, password] = credentials.split(/:(.*)/s).map(decoded);
  return {
    kind,
    nodes,
    socket: isSocket ? `/${decoded(path)}` : undefined,
    master: decoded(master),
    tls: encrypted ? parseTls(settings) : undefined,
    username: username || undefined,
    password: password || undefined,
    sentinelUsername: settings.get("sentinelUsername"),
    sentinelPassword: settings.get("sentinelPassword"),
    database: Number(database),
    prefix: settings.get("prefix") ?? "",
  };
}

function malformed(): RedisUrlFault {
  return new RedisUrlFault(`must be ${REDIS_URL_FORMS}`);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RedisUrlFault("must have each % written as %25");
  }
}

function parseNode(text: string, defaultPort: number): { host: string; port: number } {
  const [, bracketed, name, port = defaultPort] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::(\d+))?$/i.exec(text) ?? [];
  const host = bracketed ?? name;
  if (!host) throw malformed();
  if (Number(port) < 1 || Number(port) > 65535) throw new RedisUrlFault("must have ports from 1 to 65535");
  return { host, port: Number(port) };
}

function parseSettings(search: string): Map<string, string> {
  const settings = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(search)) {
    if (!SETTINGS.includes(name) || settings.has(name)) {
      throw new RedisUrlFault(`must have no settings after the ? but, once each, ${SETTINGS.join(", ")}`);
    }
    settings.set(name, value);
  }
  return settings;
}

function flag(settings: ReadonlyMap<string, string>, name: string): boolean {
  const value = settings.get(name) ?? "false";
  if (value !== "true" && value !== "false") throw new RedisUrlFault(`must have true or false for ${name}`);
  return value === "true";
}

/** Reads the files that the settings name: one that is not there is a fault of the configuration. */
function parseTls(settings: ReadonlyMap<string, string>): RedisTls {
  const files: { ca?: Buffer; cert?: Buffer; key?: Buffer } = {};
  for (const [name, content] of Object.entries(TLS_FILES)) {
    const path = settings.get(name);
    if (path === undefined) continue;
    const file = readFile(name, path);
    if (!content.test(file.toString("latin1"))) throw new RedisUrlFault(`must name in ${name} a file in PEM format`);
    files[name as keyof typeof TLS_FILES] = file;
  }
  if (!files.cert !== !files.key) throw new RedisUrlFault("must name both cert and key, or neither");
  try {
    createSecureContext(files);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new RedisUrlFault(`must name in ${Object.keys(files).join(", ")} what OpenSSL can use (${code})`);
  }
  const name = settings.get("tlsName");
  return { ...files, ...(name && { name }), insecure: flag(settings, "tlsInsecure") };
}

function readFile(name: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new RedisUrlFault(`must name in ${name} a file that can be read (${code})`);
  }
}
