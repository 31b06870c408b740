import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { type Issuer, type IssuerKey, newKey, startIssuer } from "../support/auth/issuer.ts";
import { bearer, inSeconds, tokenWith } from "../support/auth/tokens.ts";
import { openConnection, postOf } from "../support/network/raw-connection.ts";
import { type Service, startService } from "../support/service/service.ts";
import { eventually } from "../support/wait.ts";

const MEET = 'mutation { deleteBook(title: "None") { __typename } }';

const tokenOf = ({ kid, alg, privateKey }: IssuerKey, claims: object = {}) =>
  tokenWith({ scope: "books:write", ...claims }, { alg, key: privateKey, ...(kid !== undefined && { kid }) });

async function write(service: Service, token: string) {
  const headers = { "content-type": "application/json", ...bearer(token) };
  const response = await fetch(service.url, { method: "POST", headers, body: JSON.stringify({ query: MEET }) });
  const { errors } = await response.json();
  return { status: response.status, code: errors?.[0].extensions.code, message: errors?.[0].message };
}

async function startWith(issuer: Issuer) {
  return startService({ AUTH_JWKS_URL: issuer.url });
}

const GOOD = { status: 200, code: undefined };
const NOT_TRUSTED = { status: 401, code: "UNAUTHENTICATED" };
const NO_KEYS = { status: 503, code: "SERVICE_UNAVAILABLE" };

test("keys of every kind are taken, and rotated without a restart", async () => {
  const first = await Promise.all(["ES256", "RS256", "PS512", "EdDSA"].map((alg) => newKey(alg, alg)));
  const issuer = await startIssuer(...first);
  const service = await startWith(issuer);
  const tokens = await Promise.all(first.map((key) => tokenOf(key)));
  for (const token of tokens) expect(await write(service, token)).toMatchObject(GOOD);
  expect(issuer.asked).toBe(1);

  const next = await newKey("next");
  const early = await tokenOf(next);
  expect(await write(service, early)).toMatchObject(NOT_TRUSTED);
  issuer.publish(...first.slice(0, 1), next);
  expect(await write(service, early)).toMatchObject(GOOD);
  // those that were taken back are good no longer, though they were found good before
  expect(await write(service, tokens[0] as string)).toMatchObject(GOOD);
  for (const token of tokens.slice(1)) expect(await write(service, token)).toMatchObject(NOT_TRUSTED);
});

test("over one connection each request counts as what it shows itself", async () => {
  const [first, second, next] = [await newKey("first"), await newKey("second"), await newKey("next")];
  const issuer = await startIssuer(first, second);
  const connection = await openConnection((await startWith(issuer)).url);
  let asked = 0;
  const statusWith = async (token?: string) => {
    await connection.send(
      postOf(JSON.stringify({ query: MEET }), ...(token ? [`Authorization: Bearer ${token}`] : [])),
    );
    const [last] = (await connection.responses(++asked)).slice(-1);
    return JSON.parse(last?.body ?? "").errors?.[0].extensions.code ?? last?.status;
  };
  const [mayWrite, mayNot] = [await tokenOf(first), await tokenOf(second, { scope: "books:read" })];
  const brief = await tokenOf(first, { exp: inSeconds(-28) });
  const statuses = [];
  for (const token of [mayWrite, mayWrite, mayNot, mayNot, mayWrite, undefined]) statuses.push(await statusWith(token));
  expect(statuses).toEqual([200, 200, "FORBIDDEN", "FORBIDDEN", 200, "UNAUTHENTICATED"]);
  await eventually("its end", async () => (await statusWith(brief)) === "UNAUTHENTICATED");
  expect(await statusWith(mayWrite)).toBe(200);
  issuer.publish(second, next);
  expect(await statusWith(await tokenOf(next))).toBe(200);
  expect(await statusWith(mayWrite)).toBe("UNAUTHENTICATED");
});

test("keys without names are tried one after the other", async () => {
  const keys = await Promise.all([undefined, undefined, undefined].map((kid) => newKey(kid)));
  const service = await startWith(await startIssuer(...keys));
  for (const key of keys) expect(await write(service, await tokenOf(key))).toMatchObject(GOOD);
  expect(await write(service, await tokenOf(await newKey(undefined)))).toMatchObject(NOT_TRUSTED);
});

test("while the issuer is out or talks nonsense its last keys count, and tokens that nobody has signed do not flood it", async () => {
  const key = await newKey("key");
  const issuer = await startIssuer(key);
  const service = await startWith(issuer);
  expect(await write(service, await tokenOf(key))).toMatchObject(GOOD);
  const unknown = (i: number) => tokenOf({ ...key, kid: `unknown ${i}` });
  const texts = ["null", '{"keys":[]}', "x".repeat(2_000_000)];
  const answers = [undefined, { status: 500, body: "" }, ...texts.map((body) => ({ status: 200, body }))];
  for (const [i, answer] of answers.entries()) {
    issuer.answer = answer;
    expect(await write(service, await unknown(i))).toMatchObject(NOT_TRUSTED);
    expect(issuer.asked).toBe(i + 2);
    // one that was not seen before
    expect(await write(service, await tokenOf(key, { jti: `${i}` }))).toMatchObject(GOOD);
  }
  const flood = Array.from({ length: 40 }, async (_, i) => write(service, await unknown(i)));
  for (const one of await Promise.all(flood)) expect(one).toMatchObject(NOT_TRUSTED);
  // at the start, and five times in the minute
  expect(issuer.asked).toBe(6);
});

test("an issuer that is out at the start is asked again; until then no token is good or bad", async () => {
  const key = await newKey("key");
  const issuer = await startIssuer();
  const service = await startWith(issuer);
  expect(await write(service, await tokenOf(key))).toMatchObject(NO_KEYS);
  expect((await service.titles()).length).toBe(0);
  issuer.publish(key);
  await eventually("the token is good", async () => (await write(service, await tokenOf(key))).status === 200);
});

test("a public key is no secret, and what is no key of the issuer's signs nothing", async () => {
  const key = await newKey("key", "RS256");
  const issuer = await startIssuer(key);
  const service = await startWith(issuer);
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const texts = [
    JSON.stringify(key.publicJwk),
    String(key.publicJwk.n),
    publicKey.export({ type: "spki", format: "pem" }),
  ];
  for (const text of texts) {
    const secret = Buffer.from(`${text}`);
    const forged = await tokenWith({ scope: "books:write" }, { alg: "HS256", kid: "key", key: secret });
    expect(await write(service, forged)).toMatchObject(NOT_TRUSTED);
  }
  const others = await newKey("key", "RS256");
  expect(await write(service, await tokenOf(others))).toMatchObject(NOT_TRUSTED);
  expect(
    await write(
      service,
      await tokenOf({ ...others, alg: "PS256", privateKey: (await newKey("key", "PS256")).privateKey }),
    ),
  ).toMatchObject(NOT_TRUSTED);
  expect(await write(service, await tokenOf(key))).toMatchObject(GOOD);
});
