import { onFinished } from "../test/support/cleanup.ts";
import { newDatabase } from "../test/support/database/database.ts";
import { startProxy } from "../test/support/network/proxy.ts";
import startPostgres from "../test/support/postgres/run-server.ts";
import { type RedisServer, startRedis } from "../test/support/redis/server.ts";
import type { Environment } from "../test/support/service/program.ts";
import { bookRequest } from "./requests.ts";
import { Databases, type Format, fillRedis, type Sizes } from "./seed.ts";
import { Server, type ServerOptions } from "./server.ts";

export const SERVICE = "this service";
export const RAW = "raw limit";
export const MERCURIUS = "Mercurius + JIT";
export const APOLLO = "Apollo Server 5";
export const NEST = "NestJS CQRS";
export const YOGA = "naive Yoga";
export const MERCURIUS_SQLITE = "Mercurius + JIT, SQLite";

/** Peers keep books as such; what knows no GraphQL keeps whole answers. */
const BOOKS: Format = { book: (book) => book, list: (books) => books };
const ANSWERS: Format = { book: (book) => ({ data: { book } }), list: (books) => ({ data: { books } }) };

type ServedBy = "redis" | "database";

/**
 * Starts servers, each in a process and with data of its own, and lets them stand still until it is their turn. Each is
 * started when it is first asked for.
 */
export class Stage {
  readonly redis: RedisServer;
  /** For what a workload has compiled for it. */
  readonly directory: string;
  readonly #databases: Databases;
  readonly #sizes: Sizes;
  readonly #say: (what: string) => void;
  readonly #started = new Map<string, Promise<unknown>>();

  constructor(redis: RedisServer, directory: string, sizes: Sizes, say: (what: string) => void) {
    this.redis = redis;
    this.directory = directory;
    this.#databases = new Databases(directory);
    this.#sizes = sizes;
    this.#say = say;
  }

  /** The raw limit alone. */
  raw(): Promise<Server> {
    return this.#once(RAW, () => this.#peer(RAW, "raw", this.#sizes, ANSWERS));
  }

  /** Those that everything is compared with, the raw limit first. */
  async peers(): Promise<readonly Server[]> {
    const raw = await this.raw();
    const others = await this.#once("peers", async () => [
      await this.#peer(MERCURIUS, "mercurius", this.#sizes, BOOKS),
      await this.#peer(APOLLO, "apollo", this.#sizes, BOOKS),
      await this.#peer(NEST, "nest", this.#sizes, BOOKS),
      await this.#peer(YOGA, "yoga", this.#sizes, BOOKS),
    ]);
    return [raw, ...others];
  }

  /** The peer that has no Redis either. */
  async mercuriusWithSqlite(): Promise<Server> {
    return this.#peer(MERCURIUS_SQLITE, "mercurius", this.#sizes);
  }

  /** This service over a catalogue of that many books, with or without Redis. */
  service(books: number, servedBy: ServedBy): Promise<Server> {
    return this.#once(`${books} ${servedBy}`, () => this.serviceWith(books, servedBy, {}));
  }

  /** One of its own, with this in its environment, or a program of the benchmark that is made of it. */
  async serviceWith(books: number, servedBy: ServedBy, env: Environment, entry?: string): Promise<Server> {
    this.#say(`starting ${SERVICE} with ${books.toLocaleString("en")} books, read from the ${servedBy}`);
    const database = await this.#databases.copyOf(books);
    const redis = servedBy === "redis" ? { REDIS_URL: this.redis.url } : {};
    const all = { DATABASE_URL: `sqlite:${database}`, ...redis, ...env };
    return this.start({ database, servedBy, env: all, ...(entry !== undefined && { entry }) });
  }

  /** This service over an empty PostgreSQL database or a given one, with such a network between the two. */
  async serviceOnPostgres(roundTripMs: number, options: Partial<ServerOptions> = {}): Promise<Server> {
    const database = options.database ?? (await this.newPostgres());
    this.#say(`starting ${SERVICE} on PostgreSQL`);
    const url = new URL(database);
    if (roundTripMs > 0) {
      const proxy = await startProxy(Number(url.port));
      proxy.delay(roundTripMs, 0);
      url.port = `${proxy.port}`;
    }
    const env = { DATABASE_URL: url.href, ...options.env };
    return this.start({ servedBy: "database", ...options, database, env });
  }

  /** The URL of a new PostgreSQL database, on a server that is started for the first one. */
  async newPostgres(): Promise<string> {
    await this.#once("PostgreSQL", async () => onFinished(await startPostgres()));
    return (await newDatabase("postgresql")).url;
  }

  /** A Redis that no other server uses. */
  newRedis(): Promise<RedisServer> {
    return startRedis();
  }

  /** This service, or another checkout's. */
  async start({ env, ...options }: Omit<ServerOptions, "name" | "entry"> & Partial<ServerOptions>): Promise<Server> {
    const all = { LOG_LEVEL: "warn", ...env };
    return this.#ready(new Server({ name: SERVICE, entry: "src/main.ts", ...options, env: all }));
  }

  #once<R>(what: string, start: () => Promise<R>): Promise<R> {
    const started = (this.#started.get(what) as Promise<R> | undefined) ?? start();
    this.#started.set(what, started);
    return started;
  }

  async #peer(name: string, program: string, sizes: Sizes, format?: Format): Promise<Server> {
    this.#say(`starting ${name}`);
    const database = await this.#databases.copyOf(sizes.stored);
    const prefix = `${program}:`;
    if (format) await fillRedis(this.redis, prefix, format, sizes);
    const redis = format ? { REDIS_URL: this.redis.url, KEY_PREFIX: prefix } : {};
    const env = { DATABASE_FILE: database, ...redis };
    return this.#ready(new Server({ name, entry: `bench/servers/${program}.ts`, env, database }));
  }

  /** Waits until it is ready, and that includes that its books are in Redis. */
  async #ready(server: Server): Promise<Server> {
    await server.resume(bookRequest("any"));
    await server.pause();
    return server;
  }
}
