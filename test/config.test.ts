import { describe, expect, test } from "vitest";
import { ConfigService } from "../src/config.ts";

/** The lines that an operator reads. */
function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    ConfigService.load(env);
  } catch (error) {
    return (error as { lines: readonly string[] }).lines;
  }
  return [];
}

describe("the configuration", () => {
  test("has a default for everything", () => {
    expect(ConfigService.load({})).toEqual({
      port: 4000,
      host: "127.0.0.1",
      databaseUrl: "sqlite:./data/books.db",
      redisUrl: undefined,
      redisCritical: false,
      redisTimeoutMs: 100,
      readLeaseMs: 200,
      maxBooks: 10_000,
      maxAnswerBytes: 32_000_000,
      maxBodyBytes: 128_000,
      logLevel: "info",
    });
  });

  test("takes an empty variable for an unset one", () => {
    expect(ConfigService.load({ PORT: "", REDIS_URL: "", LOG_LEVEL: "" })).toEqual(ConfigService.load({}));
  });

  test("reports every fault at once, one line each, and repeats no value", () => {
    const faults = faultsOf({
      PORT: "70000",
      DATABASE_URL: "mysql://root:secret@localhost/books",
      REDIS_URL: "memcached://:secret@localhost",
      REDIS_CRITICAL: "secret",
      REDIS_TIMEOUT_MS: "0",
      READ_LEASE_MS: "1.5",
      MAX_BOOKS: "-1",
      MAX_ANSWER_MB: "501",
      MAX_BODY_KB: "secret",
      LOG_LEVEL: "secret",
    });
    expect(faults.map((line) => line.split(" ")[0])).toEqual([
      "PORT",
      "DATABASE_URL",
      "REDIS_URL",
      "REDIS_CRITICAL",
      "REDIS_TIMEOUT_MS",
      "READ_LEASE_MS",
      "MAX_BOOKS",
      "MAX_ANSWER_MB",
      "MAX_BODY_KB",
      "LOG_LEVEL",
    ]);
    for (const line of faults) expect(line).not.toMatch(/secret|\n/);
  });

  test.each(["books.db", "sqlite:", "mysql://localhost/books", "file:books.db"])(
    "refuses the database URL %s",
    (url) => {
      expect(faultsOf({ DATABASE_URL: url })).toEqual([expect.stringMatching(/^DATABASE_URL must be /)]);
    },
  );

  test.each(["localhost:6379", "redis:", "redis://", "http://localhost", "unix:/redis.sock"])(
    "refuses the Redis URL %s",
    (url) => {
      expect(faultsOf({ REDIS_URL: url })).toEqual([expect.stringMatching(/^REDIS_URL must be /)]);
    },
  );

  test("refuses a critical Redis that is nowhere, whatever else is wrong", () => {
    expect(faultsOf({ REDIS_CRITICAL: "true" })).toEqual(["REDIS_CRITICAL is true, so REDIS_URL must be set."]);
    expect(faultsOf({ REDIS_CRITICAL: "true", PORT: "x" })).toHaveLength(2);
    expect(faultsOf({ REDIS_CRITICAL: "true", REDIS_URL: "redis://localhost" })).toEqual([]);
  });
});
