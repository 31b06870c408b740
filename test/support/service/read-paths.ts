import { afterEach, expect } from "vitest";
import { startedOnce } from "../cleanup.ts";
import { startRedis } from "../redis/server.ts";
import { eventually } from "../wait.ts";
import type { GraphqlRequest, GraphqlResponse } from "./graphql-client.ts";
import { type Service, startService } from "./service.ts";

type Environment = Readonly<Record<string, string>>;

/** A service whose queries are answered by one store, and a way to be sure of it. */
export interface ReadPath {
  readonly service: Service;
  /** Asks until the answer comes from the path's own store: a busy machine may overrun a lease. */
  ask(query: string, request?: GraphqlRequest): Promise<GraphqlResponse>;
}

async function startPath(servedBy: "database" | "redis", env: Environment): Promise<ReadPath> {
  const redis = servedBy === "redis" ? { REDIS_URL: (await startRedis()).url, REDIS_TIMEOUT_MS: "1000" } : {};
  const service = await startService({ ...redis, ...env });
  const ask = (query: string, request?: GraphqlRequest) =>
    eventually(`an answer from the ${servedBy}`, async () => {
      const response = await service.send(query, request);
      // an error names no store
      return response.errors || response.consistency.servedBy === servedBy ? response : undefined;
    }) as Promise<GraphqlResponse>;
  // a first command waits until the name of the read model is known long enough; then there is a read to wait for
  const { consistency } = await ask("{ booksConnection(first: 0) { totalCount } }");
  expect(consistency.servedBy).toBe(servedBy);
  return { service, ask };
}

/** What `describe.each` needs to run a suite against either store. */
export const READ_PATHS = [
  { store: "the database", start: (env: Environment = {}) => startPath("database", env) },
  { store: "Redis", start: (env: Environment = {}) => startPath("redis", env) },
] as const;

/** One path for many tests of a group, since a start takes longer than most tests. After each its books are deleted. */
export function sharedPath(start: () => Promise<ReadPath>): () => ReadPath {
  const path = startedOnce<ReadPath | undefined>(start);
  afterEach(() => path()?.service.empty());
  return path as () => ReadPath;
}
