import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair } from "jose";
import { onFinished } from "../cleanup.ts";

export interface IssuerKey {
  readonly kid: string | undefined;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: Record<string, unknown>;
}

/** A pair of keys, as an issuer has them. */
export async function newKey(kid: string | undefined, alg = "ES256"): Promise<IssuerKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);
  return { kid, alg, privateKey, publicJwk: { ...jwk, alg, use: "sig", ...(kid !== undefined && { kid }) } };
}

/** Whoever issues tokens: a server of its keys, which a test may change and break. */
export interface Issuer {
  readonly url: string;
  /** What it answers; it is out while there is nothing. */
  answer: { readonly status: number; readonly body: string } | undefined;
  publish(...keys: readonly IssuerKey[]): void;
  /** How often it was asked. */
  asked: number;
}

export async function startIssuer(...keys: readonly IssuerKey[]): Promise<Issuer> {
  const issuer: Issuer = {
    url: "",
    answer: undefined,
    asked: 0,
    publish(...published) {
      issuer.answer = { status: 200, body: JSON.stringify({ keys: published.map(({ publicJwk }) => publicJwk) }) };
    },
  };
  if (keys.length > 0) issuer.publish(...keys);
  const server = createServer((_, response) => {
    issuer.asked++;
    if (!issuer.answer) return void response.destroy();
    response.writeHead(issuer.answer.status, { "content-type": "application/json" }).end(issuer.answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return Object.assign(issuer, { url: `http://127.0.0.1:${port}/keys` });
}
