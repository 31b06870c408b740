import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { maxBooks } from "../src/books/book-settings.ts";
import { ConfigService } from "../src/config.ts";
import { modules } from "../src/modules.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";

const load = (env: Record<string, string>) => ConfigService.load(env, modules);

/** The lines that an operator reads. */
function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    load(env);
  } catch (error) {
    return (error as { lines: readonly string[] }).lines;
  }
  return [];
}

describe("the configuration", () => {
  test("has a default for everything", () => {
    expect(load({})).toEqual({
      port: 4000,
      host: "127.0.0.1",
      databaseUrl: "sqlite:./data/books.db",
      pools: { each: 10, background: 5 },
      migrate: "start",
      metrics: undefined,
      redisUrl: undefined,
      redisCritical: false,
      redisTimeoutMs: 100,
      readLeaseMs: 200,
      maxAnswerBytes: 32_000_000,
      maxBodyBytes: 128_000,
      maxConnections: 10_000,
      maxRequests: 1000,
      maxSocketsOfClient: 20,
      stopDelayMs: 0,
      stopTimeoutMs: 10_000,
      allowedHosts: ["localhost", "*.localhost", "127.0.0.0/8", "[::1]"],
      trustProxy: false,
      corsOrigins: "local",
      auth: undefined,
      ratePerMinute: 0,
      graphiql: true,
      graphqlLimits: {
        access: { tokens: false, reads: false, writes: false },
        depth: 16,
        aliases: 60,
        rootFields: 30,
        cost: undefined,
        introspection: true,
        requestTimeoutMs: 10_000,
        answerBytes: 32_000_000,
        subscriptions: 20,
        documents: { trusted: undefined, automatic: true },
      },
      logLevel: "info",
      settings: new Map([[maxBooks, 10_000]]),
    });
  });

  test("takes an empty variable for an unset one", () => {
    expect(load({ PORT: "", REDIS_URL: "", LOG_LEVEL: "" })).toEqual(load({}));
  });

  test("reports every fault at once, one line each, and repeats no value", () => {
    const faults = faultsOf({
      PORT: "70000",
      DATABASE_URL: "mysql://root:secret@localhost/books",
      DATABASE_POOL_SIZE: "0",
      DATABASE_BACKGROUND_POOL_SIZE: "1",
      MIGRATE: "secret",
      REDIS_URL: "memcached://:secret@localhost",
      REDIS_CRITICAL: "secret",
      REDIS_TIMEOUT_MS: "0",
      READ_LEASE_MS: "1.5",
      CHANGE_LOG_KEEP_DAYS: "0",
      MAX_BOOKS: "-1",
      MAX_ANSWER_MB: "501",
      MAX_BODY_KB: "secret",
      MAX_CONNECTIONS: "0",
      MAX_REQUESTS: "secret",
      RATE_LIMIT_PER_MINUTE: "-1",
      STOP_DELAY_MS: "-1",
      STOP_TIMEOUT_MS: "0",
      METRICS_PORT: "0",
      ALLOWED_HOSTS: "secret:8080",
      TRUST_PROXY: "yes",
      CORS_ORIGINS: "https://secret.example/page",
      AUTH_JWKS_URL: "http://secret.example/keys",
      AUTH_JWT_SECRET: "secret",
      AUTH_AUDIENCE: ",",
      AUTH_READS: "secret",
      AUTH_LOG_SUBJECT: "secret",
      ALLOW_ANONYMOUS_WRITES: "secret",
      GRAPHIQL: "1",
      MAX_DEPTH: "0",
      MAX_ALIASES: "-1",
      MAX_ROOT_FIELDS: "secret",
      MAX_COST: "0",
      REQUEST_TIMEOUT_MS: "5",
      INTROSPECTION: "secret",
      PERSISTED_DOCUMENTS: "/secret/manifest.json",
      AUTOMATIC_PERSISTED_QUERIES: "secret",
      LOG_LEVEL: "secret",
    });
    expect(faults.map((line) => line.split(" ")[0])).toEqual([
      "PORT",
      "DATABASE_URL",
      "DATABASE_POOL_SIZE",
      "DATABASE_BACKGROUND_POOL_SIZE",
      "MIGRATE",
      "REDIS_URL",
      "REDIS_CRITICAL",
      "REDIS_TIMEOUT_MS",
      "READ_LEASE_MS",
      "CHANGE_LOG_KEEP_DAYS",
      "MAX_BOOKS",
      "MAX_ANSWER_MB",
      "MAX_BODY_KB",
      "MAX_CONNECTIONS",
      "MAX_REQUESTS",
      "RATE_LIMIT_PER_MINUTE",
      "STOP_DELAY_MS",
      "STOP_TIMEOUT_MS",
      "METRICS_PORT",
      "ALLOWED_HOSTS",
      "TRUST_PROXY",
      "CORS_ORIGINS",
      "AUTH_JWKS_URL",
      "AUTH_JWT_SECRET",
      "AUTH_AUDIENCE",
      "AUTH_READS",
      "AUTH_LOG_SUBJECT",
      "ALLOW_ANONYMOUS_WRITES",
      "GRAPHIQL",
      "MAX_DEPTH",
      "MAX_ALIASES",
      "MAX_ROOT_FIELDS",
      "MAX_COST",
      "REQUEST_TIMEOUT_MS",
      "INTROSPECTION",
      "PERSISTED_DOCUMENTS",
      "AUTOMATIC_PERSISTED_QUERIES",
      "LOG_LEVEL",
      "AUTH_JWT_SECRET",
    ]);
    for (const line of faults) expect(line).not.toMatch(/secret|\n/);
  });

  test.each(["books.db", "sqlite:", "mysql://localhost/books", "file:books.db"])(
    "refuses the database URL %s",
    (url) => {
      expect(faultsOf({ DATABASE_URL: url })).toEqual([expect.stringMatching(/^DATABASE_URL must be /)]);
    },
  );

  test.each([
    "postgresql://books:se/cret@localhost/books",
    "postgresql://books:12/34secret@localhost/books",
    "postgresql://books:se@cret@localhost/books",
    "postgresql://books:se@cret/@localhost/books",
    "postgresql://books:se/c?r=secret@localhost/books",
    "postgresql://books:sec%ret@localhost/books",
    "postgresql://books:secret%00@localhost/books",
    "postgresql://books:secret secret@localhost/books",
    "postgresql://books:secret@localhost:99999/books",
    "postgresql://books:secret@localhost:0/books",
    "postgresql://books:secret@one,two:port/books",
    "postgresql://books:secret@one:1,two:2/books?port=1,2,3",
    "postgresql://books:secret@one,two/books?hostaddr=127.0.0.1",
    "postgresql://books:secret@localhost/books?hostaddr=secret",
    "postgresql://books:secret@[::1/books",
    "postgresql://books:secret@local*host/books",
    "postgresql://books:secret@localhost/books?secret=1",
    "postgresql://books:secret@localhost/books?secret",
    "postgresql://books:secret@localhost/books?sslmode=secret",
    "postgresql://books:secret@localhost/books?sslrootcert=/secret",
    "postgresql://books:secret@localhost/books?sslmode=verify-ca",
    "postgresql://books:secret@localhost/books?ssl_min_protocol_version=secret",
    "postgresql://books:secret@localhost/books?channel_binding=secret",
    "postgresql://books:secret@localhost/books?channel_binding=require",
    "postgresql://books:secret@localhost/books?sslnegotiation=direct",
    "postgresql://books:secret@localhost/books?connect_timeout=secret",
    "postgresql://books:secret@localhost/books?target_session_attrs=standby",
    "postgresql://books:secret@localhost/books?client_encoding=LATIN1",
    "postgresql://books:secret@localhost/books?service=secret",
    "postgresql:books:secret@localhost/books",
  ])("refuses %s, and repeats nothing of it", (url) => {
    const faults = faultsOf({ DATABASE_URL: url });
    expect(faults).toEqual([expect.stringMatching(/^DATABASE_URL (must|has|needs|takes|names|asks) /)]);
    expect(faults[0]).not.toMatch(/cret|34|books/);
  });

  test.each([
    "sqlite:books.db",
    "sqlite::memory:",
    "postgresql://",
    "postgres://books:se#c?r%2Fe%40t@localhost/books",
    "postgresql://books@[::1]:5432,127.0.0.1/books?target_session_attrs=primary&sslmode=prefer",
    "postgresql:///books?host=/var/run/postgresql",
    "postgresql://books:secret@/books?host=one,two&port=5432,5433&connect_timeout=5&keepalives_idle=10",
    "postgresql://books@localhost/books?sslmode=verify-full&sslrootcert=system&application_name=shelf",
  ])("takes the database URL %s", (url) => {
    expect(faultsOf({ DATABASE_URL: url })).toEqual([]);
  });

  test("names the variable beside the URL that is wrong no better than the URL", () => {
    const faults = faultsOf({ DATABASE_URL: "postgresql://localhost/books", PGPORT: "secret" });
    expect(faults).toEqual(["DATABASE_URL needs ports from 1 to 65535."]);
  });

  const SECRET = "a secret of 32 bytes and some more";
  const JWKS = "https://issuer.example/keys";

  test.each([
    [{ AUTH_JWT_SECRET: SECRET.slice(0, 31) }, "AUTH_JWT_SECRET must have at least 32 bytes."],
    [
      { AUTH_JWKS_URL: "http://issuer.example/keys" },
      "AUTH_JWKS_URL must be https://host/path, or http:// to this machine.",
    ],
    [{ AUTH_JWKS_URL: "issuer.example" }, "AUTH_JWKS_URL must be https://host/path, or http:// to this machine."],
    [
      { AUTH_JWKS_URL: "https://a:b@issuer.example" },
      "AUTH_JWKS_URL must be https://host/path, or http:// to this machine.",
    ],
    [
      { AUTH_JWKS_URL: JWKS, AUTH_JWT_SECRET: SECRET },
      "AUTH_JWT_SECRET and AUTH_JWKS_URL are both set; only one may be.",
    ],
    [{ AUTH_READS: "true" }, "AUTH_READS is set, so AUTH_JWKS_URL or AUTH_JWT_SECRET must be set."],
    [{ AUTH_ISSUER: "a" }, "AUTH_ISSUER is set, so AUTH_JWKS_URL or AUTH_JWT_SECRET must be set."],
    [{ AUTH_AUDIENCE: "a" }, "AUTH_AUDIENCE is set, so AUTH_JWKS_URL or AUTH_JWT_SECRET must be set."],
    [
      { AUTH_JWKS_URL: JWKS, ALLOW_ANONYMOUS_WRITES: "true" },
      "ALLOW_ANONYMOUS_WRITES is true, so neither AUTH_JWKS_URL nor AUTH_JWT_SECRET may be set: they ask a token of whoever writes.",
    ],
  ])("refuses %j", (env: Record<string, string>, line) => {
    expect(faultsOf(env)).toEqual([line]);
  });

  test("takes what tokens are checked by", () => {
    const settings = {
      AUTH_ISSUER: "https://issuer.example/",
      AUTH_AUDIENCE: "books, films",
      AUTH_LOG_SUBJECT: "false",
    };
    const { auth, graphqlLimits } = load({ AUTH_JWT_SECRET: SECRET, AUTH_READS: "true", ...settings });
    expect(auth).toEqual({
      ...{
        keys: { secret: SECRET },
        issuer: "https://issuer.example/",
        audience: ["books", "films"],
        logSubject: false,
      },
    });
    expect(graphqlLimits.access).toEqual({ tokens: true, reads: true, writes: true });
    expect(load({ AUTH_JWKS_URL: "http://localhost:1/keys" }).auth?.keys).toEqual({
      jwksUrl: "http://localhost:1/keys",
    });
  });

  test("reads secrets of files, without the end of line behind them", () => {
    const file = (text: string) => {
      const path = join(temporaryDirectory(), "secret");
      writeFileSync(path, text);
      return path;
    };
    const redis = "redis://:secret@localhost";
    const found = load({
      DATABASE_URL_FILE: file("sqlite:other.db\r\n"),
      REDIS_URL_FILE: file(redis),
      AUTH_JWT_SECRET_FILE: file(`${SECRET}\n\n`),
    });
    expect(found).toMatchObject({ databaseUrl: "sqlite:other.db", redisUrl: redis });
    expect(found.auth?.keys).toEqual({ secret: `${SECRET}\n` });
    expect(load({ REDIS_URL_FILE: "" }).redisUrl).toBeUndefined();
    const faulty = { DATABASE_URL_FILE: "/none/secret", REDIS_URL: redis, REDIS_URL_FILE: file(redis), PORT: "secret" };
    expect(faultsOf({ ...faulty, AUTH_JWT_SECRET_FILE: file("\n") })).toEqual([
      "DATABASE_URL_FILE cannot be read (ENOENT).",
      "REDIS_URL_FILE and REDIS_URL are both set; only one may be.",
      "AUTH_JWT_SECRET_FILE is empty.",
      "PORT must be a whole number from 0 to 65535.",
    ]);
    expect(faultsOf({ REDIS_URL_FILE: file("secret") })).toEqual([expect.stringMatching(/^REDIS_URL must be/)]);
  });

  test("takes an end of line behind a value for none of it, as variables that were made of files have one", () => {
    const found = load({
      ...{ DATABASE_URL: "sqlite:other.db\n", REDIS_URL: "redis://:secret@localhost\r\n", PORT: "4001\n", HOST: "\n" },
      ...{ AUTH_JWT_SECRET: `${SECRET}\n`, AUTH_ISSUER: "https://issuer.example\n", AUTH_AUDIENCE: "books\n" },
    });
    expect(found).toMatchObject({
      ...{ databaseUrl: "sqlite:other.db", redisUrl: "redis://:secret@localhost", port: 4001, host: "127.0.0.1" },
      auth: { keys: { secret: SECRET }, issuer: "https://issuer.example", audience: ["books"] },
    });
  });

  test("has metrics served where the API is, or at an address of their own, which names them if it is this machine's", () => {
    const ofThisMachine = ["localhost", "*.localhost", "127.0.0.0/8", "[::1]"];
    expect(load({ METRICS_HOST: "10.0.0.1" }).metrics).toBeUndefined();
    expect(load({ METRICS_PORT: "9464" }).metrics).toEqual({
      port: 9464,
      host: "127.0.0.1",
      allowedHosts: ofThisMachine,
    });
    const open = { METRICS_PORT: "9464", HOST: "0.0.0.0" };
    expect(load(open).metrics).toEqual({ port: 9464, host: "0.0.0.0", allowedHosts: ["*"] });
    expect(load({ ...open, METRICS_HOST: "127.0.0.2" }).metrics).toMatchObject({
      host: "127.0.0.2",
      allowedHosts: ofThisMachine,
    });
    expect(faultsOf({ METRICS_HOST: "secret/" })).toEqual(["METRICS_HOST must be a host name or an IP address."]);
  });

  test("refuses a host to listen on that is none", () => {
    expect(faultsOf({ HOST: "http://secret" })).toEqual(["HOST must be a host name or an IP address."]);
    expect(faultsOf({ HOST: "::1" })).toEqual([]);
  });

  test.each(["localhost:6379", "redis:", "redis://", "http://localhost", "unix:/redis.sock"])(
    "refuses the Redis URL %s",
    (url) => {
      expect(faultsOf({ REDIS_URL: url })).toEqual([expect.stringMatching(/^REDIS_URL must be /)]);
    },
  );

  test.each([
    ["redis://host:65536", /ports from 1 to 65535/],
    ["redis://host:0", /ports from 1 to 65535/],
    ["redis+sentinel://host:26379,other:70000/books", /ports from 1 to 65535/],
    ["redis://host/x", /must be redis:/],
    ["redis://host/1/2", /must be redis:/],
    ["redis+cluster://host/3", /no database/],
    ["redis+sentinel://host", /must be redis:/],
    ["redis+unix://host/socket", /must be redis:/],
    ["redis+unix:///socket?tls=true", /must be redis:/],
    ["redis://host?database=2", /must be redis:/],
    ["redis://:%zz@host", /each % written as %25/],
    // mistyped passwords
    ["redis://user:se/cret@host", /must be redis:/],
    ["redis://user:1/2@host", /must be redis:/],
    ["redis+sentinel://user:1/2@host/books", /must be redis:/],
    ["redis+sentinel://user:1@host/bo@oks", /must be redis:/],
    ["redis://host?tls=1", /true or false for tls/],
    ["rediss://host?tls=1", /true or false for tls/],
    ["rediss://host?tlsInsecure=yes", /true or false for tlsInsecure/],
    ["redis://host?prefix=a&prefix=b", /once each/],
    ["redis://host?secret=x", /no settings after the \?/],
    ["redis://host?tlsInsecure=true", /tlsInsecure without TLS/],
    ["redis://host?sentinelPassword=x", /sentinelPassword without redis\+sentinel/],
    ["rediss://host?ca=/nowhere/at/all", /in ca a file that can be read \(ENOENT\)/],
    ["rediss://host?ca=package.json", /in ca a file in PEM format/],
    ["rediss://host?cert=package.json", /in cert a file in PEM format/],
  ])("says what is wrong with the Redis URL %s, and repeats nothing of it", (url, fault) => {
    const [line = "", ...more] = faultsOf({ REDIS_URL: url });
    expect(line).toMatch(fault);
    expect(more).toEqual([]);
    expect(line).toMatch(/^REDIS_URL must /);
    expect(line).not.toMatch(/cret|%zz|nowhere|package|6553[67]|70000|other|books/);
  });

  test.each([
    "redis://host",
    "redis://user:p%40ss@[::1]:6380/15?prefix=shop:",
    "redis://user:p?s#:s@host",
    "redis+unix:///run/redis.sock?database=3",
    "redis+unix://:password@/run/redis.sock",
    "rediss://host?tlsName=other.example&tlsInsecure=true",
    "redis+sentinel://one,two:26380/books/2?sentinelUsername=a&sentinelPassword=b&tls=true",
    "redis+cluster://user:password@one:7000,two:7001",
  ])("takes the Redis URL %s", (url) => {
    expect(faultsOf({ REDIS_URL: url })).toEqual([]);
  });

  test("refuses a critical Redis that is nowhere, whatever else is wrong", () => {
    expect(faultsOf({ REDIS_CRITICAL: "true" })).toEqual(["REDIS_CRITICAL is true, so REDIS_URL must be set."]);
    expect(faultsOf({ REDIS_CRITICAL: "true", PORT: "x" })).toHaveLength(2);
    expect(faultsOf({ REDIS_CRITICAL: "true", REDIS_URL: "redis://localhost" })).toEqual([]);
  });

  test.each([
    ["127.0.0.1", ["localhost", "*.localhost", "127.0.0.0/8", "[::1]"]],
    ["localhost", ["localhost", "*.localhost", "127.0.0.0/8", "[::1]"]],
    ["::1", ["localhost", "*.localhost", "127.0.0.0/8", "[::1]"]],
    ["0.0.0.0", ["*"]],
    ["::", ["*"]],
    ["192.0.2.1", ["*"]],
  ])("allows at %s, unless told, the hosts %j", (HOST, allowed) => {
    expect(load({ HOST }).allowedHosts).toEqual(allowed);
  });

  test("takes names, addresses and networks as allowed hosts, and nothing else", () => {
    const ALLOWED_HOSTS = "books.example.com, *.example.org,192.0.2.1,[2001:db8::1],10.0.0.0/8,2001:db8::/32,*";
    expect(load({ ALLOWED_HOSTS }).allowedHosts).toHaveLength(7);
    for (const fault of [
      ",",
      "a b",
      "http://books.example.com",
      "books.example.com:80",
      "a/b",
      "10.0.0.0/33",
      "*.",
      "1.2.3.4.5",
    ]) {
      expect(faultsOf({ ALLOWED_HOSTS: fault }), fault).toEqual([expect.stringMatching(/^ALLOWED_HOSTS must be /)]);
    }
  });

  test("takes origins whose pages may ask, and knows those of its own machine unless it listens on others", () => {
    const CORS_ORIGINS = "https://books.example.com, http://localhost:5173,http://[::1]:80,app://books";
    expect(load({ CORS_ORIGINS }).corsOrigins).toHaveLength(4);
    expect(load({ CORS_ORIGINS: "*" }).corsOrigins).toEqual(["*"]);
    expect([load({ HOST: "::1" }).corsOrigins, load({ HOST: "0.0.0.0" }).corsOrigins]).toEqual(["local", []]);
    for (const fault of [
      ",",
      "books.example.com",
      "https://",
      "https://books.example.com/page",
      "https://books.example.com?",
      "https://*.example.com",
      "https://a b",
      "http://localhost:99999",
      "null",
      "*, https://books.example.com",
    ]) {
      expect(faultsOf({ CORS_ORIGINS: fault }), fault).toEqual([expect.stringMatching(/^CORS_ORIGINS must be /)]);
    }
  });

  test("refuses a request's time that a write may have to wait for its acknowledgement alone", () => {
    expect(faultsOf({ READ_LEASE_MS: "10000" })).toEqual([expect.stringMatching(/^REQUEST_TIMEOUT_MS must be more/)]);
    expect(faultsOf({ READ_LEASE_MS: "500", REQUEST_TIMEOUT_MS: "500" })).toHaveLength(1);
    expect(faultsOf({ READ_LEASE_MS: "500", REQUEST_TIMEOUT_MS: "501" })).toEqual([]);
  });
});
