import type { AccessRules } from "../graphql/execution/access.ts";

/** How tokens are known to be good. */
export interface AuthSettings {
  /** Where the issuer's public keys are, or the secret that it shares with this service. */
  readonly keys: { readonly jwksUrl: string } | { readonly secret: string };
  readonly issuer: string | undefined;
  /** Of these one must be among those that a token is for. */
  readonly audience: readonly string[] | undefined;
  /** Whether the subject of a token stands in the change log. */
  readonly logSubject: boolean;
}

/** Digests of 256 bits want as many of a secret: RFC 7518. */
const SHORTEST_SECRET = 32;

/** What is wrong with a secret. */
export function secretFault(secret: string): string | undefined {
  return Buffer.byteLength(secret) < SHORTEST_SECRET ? `must have at least ${SHORTEST_SECRET} bytes` : undefined;
}

/** What is wrong with the URL of a key set: whoever could change what comes from there could sign tokens. */
export function jwksUrlFault(url: string, isLoopback: (host: string) => boolean): string | undefined {
  const { protocol, hostname, username } = URL.parse(url) ?? {};
  const isSafe = protocol === "https:" || (protocol === "http:" && isLoopback(hostname ?? ""));
  return isSafe && !username ? undefined : "must be https://host/path, or http:// to this machine";
}

/** Which operations need a scope. Without tokens there are none: what would need one is then refused to all. */
export function accessRules(
  auth: AuthSettings | undefined,
  reads: boolean,
  anonymousWrites: boolean | undefined,
  isLoopback: boolean,
): AccessRules {
  if (auth) return { tokens: true, reads, writes: true };
  return { tokens: false, reads: false, writes: !(anonymousWrites ?? isLoopback) };
}

interface Given {
  readonly AUTH_JWKS_URL?: unknown;
  readonly AUTH_JWT_SECRET?: unknown;
  readonly AUTH_ISSUER?: unknown;
  readonly AUTH_AUDIENCE?: unknown;
  readonly AUTH_READS?: unknown;
  readonly ALLOW_ANONYMOUS_WRITES?: unknown;
}

const hasKeys = (env: Given) => env.AUTH_JWKS_URL !== undefined || env.AUTH_JWT_SECRET !== undefined;
const NO_KEYS = "is set, so AUTH_JWKS_URL or AUTH_JWT_SECRET must be set";

/** Which settings do not go together. */
export const authRules: readonly { name: keyof Given; error: string; isKept: (env: Given) => boolean }[] = [
  {
    name: "AUTH_JWT_SECRET",
    error: "and AUTH_JWKS_URL are both set; only one may be",
    isKept: (env) => env.AUTH_JWKS_URL === undefined || env.AUTH_JWT_SECRET === undefined,
  },
  { name: "AUTH_READS", error: NO_KEYS, isKept: (env) => env.AUTH_READS !== true || hasKeys(env) },
  { name: "AUTH_ISSUER", error: NO_KEYS, isKept: (env) => env.AUTH_ISSUER === undefined || hasKeys(env) },
  { name: "AUTH_AUDIENCE", error: NO_KEYS, isKept: (env) => env.AUTH_AUDIENCE === undefined || hasKeys(env) },
  {
    name: "ALLOW_ANONYMOUS_WRITES",
    error: "is true, so neither AUTH_JWKS_URL nor AUTH_JWT_SECRET may be set: they ask a token of whoever writes",
    isKept: (env) => env.ALLOW_ANONYMOUS_WRITES !== true || !hasKeys(env),
  },
];
