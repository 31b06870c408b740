import type { Logger } from "pino";
import { accessNotices } from "./auth/access-notices.ts";
import { Authenticator } from "./auth/authenticator.ts";
import type { Config } from "./config.ts";
import { type Aggregate, openAggregate } from "./cqrs/aggregate.ts";
import { DatabaseReadiness } from "./cqrs/database/database-readiness.ts";
import { OrmService } from "./cqrs/database/orm-service.ts";
import { within } from "./cqrs/deadline.ts";
import { ServiceError, StartupError } from "./cqrs/errors.ts";
import type { Handlers } from "./cqrs/handlers.ts";
import { LargeLists } from "./cqrs/queries/large-lists.ts";
import { SharedRate } from "./cqrs/redis/redis-rate.ts";
import { RedisService } from "./cqrs/redis/redis-service.ts";
import { scopeOf } from "./graphql/execution/access.ts";
import { Graphql } from "./graphql/execution/graphql.ts";
import { buildSchema } from "./graphql/schema.ts";
import { isLoopback } from "./http/hosts.ts";
import { HttpServer } from "./http/http-server.ts";
import type { Readiness } from "./http/router.ts";
import { createLog } from "./log.ts";
import { measured } from "./metrics/measured.ts";
import type { Metrics } from "./metrics/metrics.ts";
import { type Module, migrationsOf } from "./module.ts";
import { RateLimiter } from "./rate/rate-limiter.ts";
import { readinessOf } from "./readiness.ts";
import type { OpenTracing } from "./tracing/open-tracing.ts";

/** How long each store may take to close, in milliseconds. */
const CLOSE_TIMEOUT_MS = 5000;

/** How many lists of the largest size may be waited for at once. */
const LARGEST_LISTS = 8;

/** A running service without its HTTP side: what an import needs, too. */
export interface App {
  readonly modules: readonly Module[];
  /** One for each module. */
  readonly aggregates: readonly Aggregate<object>[];
  readonly handlers: Handlers;
  /** What clients have asked of all processes; undefined where there is no Redis. */
  readonly sharedRate: SharedRate | undefined;
  /** Where they are asked for. */
  readonly metrics: Metrics | undefined;
  /** Where traces are asked for. */
  readonly tracing: OpenTracing | undefined;
  readonly readiness: () => Promise<Readiness>;
  readonly log: Logger;
  /** Closes everything that `createApp` opened. */
  close(): Promise<void>;
}

/** The settings of a database; without them it is opened as by default. */
export type DatabaseSettings = Partial<Pick<Config, "migrate" | "pools" | "keepLogMs">>;

/**
 * The database of these modules, for what needs nothing else.
 *
 * @throws StartupError
 */
export async function openDatabase(
  url: string,
  modules: readonly Module[],
  { migrate, pools, keepLogMs }: DatabaseSettings = {},
): Promise<OrmService> {
  const streams = streamsOf(modules);
  const orm = await new OrmService({
    entities: streams.map(({ entity }) => entity),
    derived: new Map(streams.flatMap(({ entity, derived }) => (derived ? [[entity, derived]] : []))),
    migrations: migrationsOf(modules),
    mayMigrate: migrate !== "never",
    ...(pools && { pools }),
  }).init(url);
  try {
    await new DatabaseReadiness(orm, streams, keepLogMs !== undefined).requireRights();
    return orm;
  } catch (error) {
    await closeDatabase(orm);
    throw startupError(error);
  }
}

/** Closes it, or gives up after a while: a store that hangs must not keep the process from ending. */
export async function closeDatabase(orm: OrmService, report: (error: Error) => void = () => {}): Promise<void> {
  await within(CLOSE_TIMEOUT_MS, orm.close()).catch(report);
}

/**
 * Both stores and nothing that looks after them, for whoever examines what they hold.
 *
 * @throws StartupError
 */
export async function openStores(config: Config, modules: readonly Module[]) {
  const { databaseUrl, redisUrl: url, redisTimeoutMs: timeoutMs } = config;
  const orm = await openDatabase(databaseUrl, modules, config);
  const redis = new RedisService({ url, critical: false, timeoutMs, log: createLog("silent") });
  await redis.start();
  const close = async () => {
    redis.close();
    await closeDatabase(orm);
  };
  return { orm, redis, close };
}

/**
 * The composition root: it constructs what the aggregates share, and `openAggregate` what each has for itself.
 *
 * @throws StartupError
 */
export async function createApp(config: Config, modules: readonly Module[]): Promise<App> {
  const log = createLog(config.logLevel);
  const logWarning = ({ name, message }: Error) => log.warn({ warning: name }, message);
  process.on("warning", logWarning);

  const orm = await openDatabase(config.databaseUrl, modules, config).catch((error) => {
    process.off("warning", logWarning);
    throw error;
  });
  const { ran, newer } = orm.migrated;
  // a new database is no news
  if (ran.length > 0 && ran.length < migrationsOf(modules).length)
    log.info({ migrations: ran }, "the database was migrated");
  if (newer.length > 0)
    log.warn({ migrations: newer }, "the database was migrated by a newer version, which allows this one");
  // loaded for those who ask for it, as metrics are
  const tracing =
    config.tracing && (await (await import("./tracing/open-tracing.ts")).openTracing(config.tracing, log));
  const { redisUrl: url, redisCritical: critical, redisTimeoutMs: timeoutMs } = config;
  const redis = new RedisService({ url, critical, timeoutMs, log });
  const aggregates: Aggregate<object>[] = [];
  const close = async () => {
    const report = (err: Error) => log.warn({ err }, "a store did not close in time");
    const stopped = Promise.all(aggregates.map((aggregate) => aggregate.stop()));
    await within(CLOSE_TIMEOUT_MS, stopped).catch(report);
    redis.close();
    await Promise.all([closeDatabase(orm, report), tracing?.close()]);
    process.off("warning", logWarning);
  };
  try {
    const large = new LargeLists(LARGEST_LISTS * config.maxAnswerBytes);
    const stores = { orm, redis, large, keepLogMs: config.keepLogMs, log };
    const handlers = modules.flatMap((module) => {
      const aggregate = openAggregate(module.stream, module.readModel, stores);
      aggregates.push(aggregate);
      return module.handlers(aggregate, config);
    });
    const databaseReadiness = new DatabaseReadiness(orm, streamsOf(modules), config.keepLogMs !== undefined);

    const leases = aggregates.map((aggregate) => aggregate.raiseLease(config.readLeaseMs));
    const writers = modules.map(({ stream }) => orm.prepareBatches(stream));
    const begun = await Promise.allSettled([...leases, ...writers, redis.start()]);
    // a database that is closed in the middle of a transaction may wait for it for ever
    for (const one of begun) if (one.status === "rejected") throw one.reason;
    await Promise.all(aggregates.map((aggregate) => aggregate.start()));

    const watched = {
      streams: () => aggregates.map(({ health }) => health),
      pools: () => orm.pools,
      redisIsUp: () => (redis.configured ? redis.connection !== undefined : undefined),
    };
    // loaded for those who ask for it
    const metrics = config.metrics && new (await import("./metrics/metrics.ts")).Metrics(watched);

    return {
      modules,
      aggregates,
      handlers: new Map(handlers),
      log,
      sharedRate: redis.configured ? new SharedRate(redis, streamsOf(modules)[0]?.name ?? "") : undefined,
      metrics: metrics || undefined,
      tracing,
      readiness: () => readinessOf(aggregates, databaseReadiness, redis, log),
      close,
    };
  } catch (error) {
    await close();
    throw startupError(error);
  }
}

function streamsOf(modules: readonly Module[]) {
  return modules.map(({ stream }) => stream);
}

function startupError(error: unknown): unknown {
  if (!(error instanceof ServiceError)) return error;
  return new StartupError([`DATABASE_URL: ${error.message}`], { cause: error });
}

/** The HTTP server in front of an app. */
export function createHttpServer(
  { modules, handlers, sharedRate, metrics, tracing, readiness, log }: App,
  config: Config,
): HttpServer {
  const streams = streamsOf(modules).map(({ name }) => name);
  const graphql = new Graphql(buildSchema(modules, config), handlers, streams, config.graphqlLimits, log);
  const graphiql = config.graphiql ? modules.flatMap(({ tabs }) => tabs) : undefined;
  const { access } = config.graphqlLimits;
  for (const notice of accessNotices(config.auth, access, isLoopback(config.host))) log.warn(notice);
  const scopes = streams.flatMap((name) => [scopeOf(name, "read"), scopeOf(name, "write")]);
  const authentication = config.auth && new Authenticator(config.auth, access, scopes, log);
  const rate = config.ratePerMinute > 0 ? new RateLimiter(config.ratePerMinute, sharedRate) : undefined;
  const counted = metrics ? measured(graphql, metrics) : graphql;
  const answers = tracing?.answers(counted, config.graphqlLimits.documents.trusted !== undefined) ?? counted;
  const watch = tracing?.watch;
  return new HttpServer(config, { graphql: answers, authentication, rate, metrics, watch, readiness, graphiql, log });
}
