import { SignJWT } from "jose";

/** A secret as an operator would set it. */
export const SECRET = "a secret of the tests, 32 bytes and more";

type Key = Parameters<SignJWT["sign"]>[0];

export interface TokenOptions {
  readonly alg?: string;
  readonly kid?: string;
  readonly key?: Key;
}

const now = () => Math.floor(Date.now() / 1000);

/** A token of alice's that counts for an hour, unless the claims say otherwise; undefined takes one away. */
export function tokenWith(claims: Readonly<Record<string, unknown>> = {}, options: TokenOptions = {}): Promise<string> {
  const { alg = "HS256", kid, key = Buffer.from(SECRET) } = options;
  return new SignJWT(JSON.parse(JSON.stringify({ sub: "alice", exp: now() + 3600, ...claims })))
    .setProtectedHeader({ alg, ...(kid !== undefined && { kid }) })
    .sign(key);
}

/** Seconds since 1970, so many from now. */
export const inSeconds = (seconds: number): number => now() + seconds;

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
