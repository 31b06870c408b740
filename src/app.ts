import type { Logger } from "pino";
import { BookEntity } from "./books/book.ts";
import { bookStream } from "./books/book-stream.ts";
import { BookCommandHandler } from "./books/commands/book-command-handler.ts";
import { bookMigrations } from "./books/migrations.ts";
import { BookQueryHandler } from "./books/queries/book-query-handler.ts";
import { BookReadModel } from "./books/queries/book-read-model.ts";
import type { Config } from "./config.ts";
import { DatabaseReadiness } from "./cqrs/database-readiness.ts";
import { within } from "./cqrs/deadline.ts";
import { ServiceError, StartupError } from "./cqrs/errors.ts";
import { Head } from "./cqrs/head.ts";
import { LargeLists } from "./cqrs/large-lists.ts";
import { kernelMigrations } from "./cqrs/migrations.ts";
import { OrmService } from "./cqrs/orm-service.ts";
import { Reader } from "./cqrs/reader.ts";
import { RedisService } from "./cqrs/redis-service.ts";
import { Stream } from "./cqrs/stream.ts";
import { TableReads } from "./cqrs/table-reads.ts";
import { Graphql } from "./graphql/execution/yoga.ts";
import { buildSchema } from "./graphql/schema.ts";
import { HttpServer } from "./http/http-server.ts";
import type { Readiness } from "./http/router.ts";
import { createLog } from "./log.ts";

/** How long each store may take to close, in milliseconds. */
const CLOSE_TIMEOUT_MS = 5000;

/** How many lists of the largest size may be waited for at once. */
const LARGEST_LISTS = 8;

/** What readiness asks for. */
const streams = [bookStream];

/** A running service without its HTTP side: what an import needs, too. */
export interface App {
  readonly bookCommands: BookCommandHandler;
  readonly bookQueries: BookQueryHandler;
  readonly readiness: () => Promise<Readiness>;
  readonly log: Logger;
  /** Closes everything that `createApp` opened. */
  close(): Promise<void>;
}

/**
 * The database and the streams in it, for what needs nothing else.
 *
 * @throws StartupError
 */
export async function openDatabase(url: string) {
  const orm = await new OrmService({
    url,
    entities: [BookEntity],
    migrations: [...kernelMigrations, ...bookMigrations],
  }).init();
  try {
    await new DatabaseReadiness(orm, streams).requireRights();
  } catch (error) {
    await orm.close();
    throw startupError(error);
  }
  return { orm, books: new Stream(orm, bookStream) };
}

/**
 * The composition root: the only place that constructs. A second aggregate is registered here, with its entity and
 * migrations, and in `graphql/schema.ts`, with its types.
 *
 * @throws StartupError
 */
export async function createApp(config: Config): Promise<App> {
  const log = createLog(config.logLevel);
  const logWarning = ({ name, message }: Error) => log.warn({ warning: name }, message);
  process.on("warning", logWarning);

  const { orm, books } = await openDatabase(config.databaseUrl).catch((error) => {
    process.off("warning", logWarning);
    throw error;
  });
  const redis = new RedisService({
    url: config.redisUrl,
    critical: config.redisCritical,
    timeoutMs: config.redisTimeoutMs,
    log,
  });
  try {
    const table = new TableReads(orm, books);
    const head = new Head(books, log);
    const readModel = new BookReadModel(books, table, head, redis, log);
    const databaseReadiness = new DatabaseReadiness(orm, streams);
    const reader = new Reader(readModel, table, head, redis, new LargeLists(LARGEST_LISTS * config.maxAnswerBytes));

    const begun = await Promise.allSettled([books.raiseLease(config.readLeaseMs), redis.start()]);
    // a database that is closed in the middle of a transaction may wait for it for ever
    for (const one of begun) if (one.status === "rejected") throw one.reason;
    await readModel.start();

    return {
      bookCommands: new BookCommandHandler(books, readModel),
      bookQueries: new BookQueryHandler(reader, { rows: config.maxBooks, bytes: config.maxAnswerBytes }),
      log,
      readiness: async () => {
        const works = await head.lookUp().then(
          () => databaseReadiness.check(log),
          () => false,
        );
        const database = works ? "up" : "down";
        const isRedisUsable = redis.configured && (await redis.isUsable()) && !readModel.refused;
        const redisState = redis.configured ? (isRedisUsable ? "up" : "down") : "off";
        return { ready: database === "up" && !(redis.critical && redisState === "down"), database, redis: redisState };
      },
      async close() {
        // a store that hangs must not keep the process from ending
        const report = (err: Error) => log.warn({ err }, "a store did not close in time");
        await within(CLOSE_TIMEOUT_MS, readModel.stop()).catch(report);
        redis.close();
        await within(CLOSE_TIMEOUT_MS, orm.close()).catch(report);
        process.off("warning", logWarning);
      },
    };
  } catch (error) {
    redis.close();
    await orm.close();
    process.off("warning", logWarning);
    throw startupError(error);
  }
}

function startupError(error: unknown): unknown {
  if (!(error instanceof ServiceError)) return error;
  return new StartupError([`DATABASE_URL: ${error.message}`], { cause: error });
}

/** The HTTP server in front of an app. */
export function createHttpServer(app: App, config: Config): HttpServer {
  return new HttpServer({
    graphql: new Graphql(buildSchema(config), app, config.graphqlLimits, app.log),
    readiness: app.readiness,
    maxBodyBytes: config.maxBodyBytes,
    maxConnections: config.maxConnections,
    maxRequests: config.maxRequests,
    stopTimeoutMs: config.stopTimeoutMs,
    allowedHosts: config.allowedHosts,
    trustProxy: config.trustProxy,
    graphiql: config.graphiql,
    log: app.log,
  });
}
