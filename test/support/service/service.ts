import { afterEach } from "vitest";
import { type App, createApp, createHttpServer } from "../../../src/app.ts";
import { ConfigService } from "../../../src/config.ts";
import { modules } from "../../../src/modules.ts";
import { onFinished, startedOnce } from "../cleanup.ts";
import { migratedDatabase } from "../database/migrated-database.ts";
import { GraphqlClient } from "./graphql-client.ts";
import type { Environment } from "./program.ts";

/** A service in this process. It ends with the test. */
export class Service extends GraphqlClient {
  readonly app: App;
  readonly close: () => Promise<void>;
  readonly databaseUrl: string;

  constructor(url: string, databaseUrl: string, app: App, close: () => Promise<void>) {
    super(url);
    this.databaseUrl = databaseUrl;
    this.app = app;
    this.close = close;
  }

  /** Deletes all books. */
  async empty(): Promise<void> {
    for (const title of await this.titles()) await this.deleteBook(title);
  }
}

/** Starts the service in this process, on a free port, without Redis and with a database of its own unless told. */
export async function startService(env: Environment = {}): Promise<Service> {
  const DATABASE_URL = env.DATABASE_URL ?? (await migratedDatabase()).url;
  const config = ConfigService.load({ PORT: "0", LOG_LEVEL: "silent", ...env, DATABASE_URL }, modules);
  const app = await createApp(config, modules);
  const server = createHttpServer(app, config);
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= server.close().then(() => app.close());
    return closed;
  };
  onFinished(close);
  return new Service(await server.listen(config.port, config.host), DATABASE_URL, app, close);
}

/** One service for many tests of a file, since a start takes longer than most tests. After each its books are deleted. */
export function sharedService(env: Environment = {}): () => Service {
  const service = startedOnce<Service | undefined>(() => startService(env));
  afterEach(() => service()?.empty());
  return service as () => Service;
}
