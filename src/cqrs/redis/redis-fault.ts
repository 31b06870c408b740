import { isIP } from "node:net";
import type { RedisTarget } from "./redis-url.ts";

/** Redis cannot be asked now, or did not answer in time. */
export class RedisUnavailable extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = "RedisUnavailable";
  }
}

/** A new connection leads to another server than the one in use. */
export class ElsewhereError extends RedisUnavailable {}

/** Whether the server answered with an error (so it lives), and with this one if `code` is given. */
export function isReplyError(error: unknown, code = ""): boolean {
  return error instanceof Error && error.name === "ReplyError" && error.message.startsWith(code);
}

/** What sends an operator on, by how the error's text begins. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/^NOPERM.*(key|channel)/, "the user needs the keys that begin with the prefix and {books"],
  [/^MOVED|cluster support enabled/, "a Redis Cluster is reached by redis+cluster://"],
  [/cluster support disabled/, "a server that is no Redis Cluster is reached by redis://"],
  [/sentinel.*(WRONGPASS|NOAUTH)/, "sentinels have a password of their own: ?sentinelPassword=…"],
  [/^(WRONGPASS|NOAUTH)/, "the user or password in REDIS_URL is not, or no longer, right"],
  [/^wrong version number|packet length too long/, "the server does not speak TLS here: redis:// is without"],
  [
    /^(ECONNRESET|EPIPE)/,
    "the server ended the connection: it speaks TLS (rediss://), is in protected mode, or has too many clients",
  ],
  [/self-signed|unable to (get|verify)/, "a certificate authority of your own is named by ?ca=FILE"],
];

/** What errors say beyond that something is wrong: at length, differently each time, or to others than operators. */
const NOISE = [
  /(?<=^MISCONF [^.]*)\..*/,
  / script: [\da-f]{40}.*/,
  /(?<=NOAUTH HELLO[^,]*),.*/,
  /, with args beginning with:.*/,
  /; if the root CA is installed locally.*/,
  /^(read|write) (?=E[A-Z]+$)/,
  /\.? *$/,
];

/** The properties of errors that ioredis, OpenSSL and Node add. */
interface Fault extends Error {
  readonly code?: string;
  readonly errors?: readonly Error[];
  readonly lastNodeError?: Error;
  readonly reason?: string;
  readonly cert?: { readonly subjectaltname?: string };
}

/** Why Redis cannot be used, in one line for the log. Names, users and passwords of `target` do not occur in it. */
export function reasonOf(error: Error, target: RedisTarget): string {
  const text = redacted(textOf(error), target);
  const silent = target.tls && /ETIMEDOUT/.test(text) && "a server that does not speak TLS is silent here";
  const hint = silent || HINTS.find(([pattern]) => pattern.test(text))?.[1];
  return hint ? `${text}; ${hint}` : text;
}

function textOf(error: Fault): string {
  const { code = "", message, errors, lastNodeError, reason, cert } = error;
  if (lastNodeError) return `no node of the cluster answers: ${textOf(lastNodeError)}`;
  // a name with several addresses, none of which answers
  if (errors?.length) return errors.map(textOf).join(", ");
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return `the certificate is for another name (${cert?.subjectaltname ?? "none"}), which ?tlsName=NAME would name`;
  }
  if (code.startsWith("ERR_SSL_")) return reason ?? code;
  return (
    NOISE.reduce(
      (text, noise) => text.replace(noise, ""),
      message.replaceAll(/\s+/g, " ").replace("Connection is closed", "the connection was refused or closed"),
    ).trim() ||
    code ||
    error.name
  );
}

/** Addresses stay: a mistyped password can be taken for a name, but not for one of them. */
function redacted(text: string, { nodes, master, username, password, ...target }: RedisTarget): string {
  const hosts = nodes.map(({ host }) => host).filter((host) => !isIP(host));
  const values = [...hosts, master, username, password, target.sentinelUsername, target.sentinelPassword];
  return [...values, target.prefix, target.tls?.name, target.socket]
    .filter((value) => value !== undefined && value !== "")
    .sort((a = "", b = "") => b.length - a.length)
    .reduce<string>((rest, value = "") => {
      const literal = value.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
      return rest.replaceAll(new RegExp(`(?<![\\w-])${literal}(?![\\w-])`, "g"), "…");
    }, text);
}
