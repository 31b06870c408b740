import type { RedisServer } from "../test/support/redis/server.ts";
import { bookRequest } from "./requests.ts";
import { type Databases, type Format, fillRedis, type Sizes } from "./seed.ts";
import { Server } from "./server.ts";

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

/** Starts servers, each in a process and with data of its own, and lets them stand still until it is their turn. */
export class Stage {
  readonly #redis: RedisServer;
  readonly #databases: Databases;
  readonly #say: (what: string) => void;

  constructor(redis: RedisServer, databases: Databases, say: (what: string) => void) {
    this.#redis = redis;
    this.#databases = databases;
    this.#say = say;
  }

  /** Those that everything is compared with, the raw limit first. */
  async peers(sizes: Sizes): Promise<readonly [raw: Server, ...peers: Server[]]> {
    return [
      await this.#peer(RAW, "raw", sizes, ANSWERS),
      await this.#peer(MERCURIUS, "mercurius", sizes, BOOKS),
      await this.#peer(APOLLO, "apollo", sizes, BOOKS),
      await this.#peer(NEST, "nest", sizes, BOOKS),
      await this.#peer(YOGA, "yoga", sizes, BOOKS),
    ];
  }

  /** The peer that has no Redis either. */
  async mercuriusWithSqlite(sizes: Sizes): Promise<Server> {
    return this.#peer(MERCURIUS_SQLITE, "mercurius", sizes);
  }

  /** This service over a catalogue of that many books, with or without Redis. */
  async service(books: number, servedBy: "redis" | "database"): Promise<Server> {
    this.#say(`starting ${SERVICE} with ${books.toLocaleString("en")} books, read from the ${servedBy}`);
    const database = await this.#databases.copyOf(books);
    const redis = servedBy === "redis" ? { REDIS_URL: this.#redis.url } : {};
    const env = { DATABASE_URL: `sqlite:${database}`, LOG_LEVEL: "warn", ...redis };
    return this.#ready(new Server({ name: SERVICE, entry: "src/main.ts", env, database, servedBy }));
  }

  async #peer(name: string, program: string, sizes: Sizes, format?: Format): Promise<Server> {
    this.#say(`starting ${name}`);
    const database = await this.#databases.copyOf(sizes.stored);
    const prefix = `${program}:`;
    if (format) await fillRedis(this.#redis, prefix, format, sizes);
    const redis = format ? { REDIS_URL: this.#redis.url, KEY_PREFIX: prefix } : {};
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
