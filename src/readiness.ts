import type { Logger } from "pino";
import type { Aggregate } from "./cqrs/aggregate.ts";
import type { DatabaseReadiness } from "./cqrs/database/database-readiness.ts";
import type { RedisService } from "./cqrs/redis/redis-service.ts";
import type { Readiness } from "./http/router.ts";

/** Whether the stores serve all aggregates as configured. */
export async function readinessOf(
  aggregates: readonly Pick<Aggregate<never>, "lookUp" | "refused">[],
  databaseReadiness: DatabaseReadiness,
  redis: RedisService,
  log: Logger,
): Promise<Readiness> {
  const works = await Promise.all(aggregates.map((aggregate) => aggregate.lookUp())).then(
    () => databaseReadiness.check(log),
    () => false,
  );
  const database = works ? "up" : "down";
  const isRefused = () => aggregates.some((aggregate) => aggregate.refused);
  const isRedisUsable = redis.configured && (await redis.isUsable()) && !isRefused();
  const redisState = redis.configured ? (isRedisUsable ? "up" : "down") : "off";
  return { ready: database === "up" && !(redis.critical && redisState === "down"), database, redis: redisState };
}
