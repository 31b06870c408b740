import { Client as PgClient, type PoolConfig } from "pg";

/** What of node-postgres is not in its types. */
interface Internals {
  readonly connection: NodeJS.EventEmitter & { readonly stream: { destroy(): void; cork(): void; uncork(): void } };
}

/** A client that closes its socket when it could not connect: a server that waits for a password keeps it for a minute. */
export class PostgresClient extends PgClient {
  /** Whether it has been given up; a silent server may keep the connection in being for long after. */
  ending = false;
  readonly #fault: Error | undefined;

  constructor(config: PoolConfig, encryption: () => PoolConfig["ssl"], bindChannel: boolean) {
    let ssl: PoolConfig["ssl"] = false;
    let fault: Error | undefined;
    try {
      ssl = encryption();
    } catch (error) {
      // the pool constructs at times when nobody would catch this
      fault = error as Error;
    }
    super({ ...config, password: config.password, ssl });
    this.#fault = fault;
    // a query in flight fails by itself
    this.on("error", () => {});
    if (bindChannel) this.#requireBinding();
  }

  override connect(): Promise<PgClient>;
  override connect(callback: ((error: Error) => void) | ((error: null, client: PgClient) => void)): void;
  override connect(callback?: (error: never, client: never) => void): Promise<PgClient> | undefined {
    const connected = this.#fault ? Promise.reject(this.#fault) : super.connect();
    const done = connected.catch((error) => {
      this.#internals.connection.stream.destroy();
      throw error;
    });
    if (!callback) return done;
    done.then(
      (client) => callback(null as never, client as never),
      (error) => callback(error as never, undefined as never),
    );
    return undefined;
  }

  override end(): Promise<void>;
  override end(callback: (error: Error) => void): void;
  override end(callback?: (error: Error) => void): Promise<void> | undefined {
    this.ending = true;
    if (!callback) return super.end();
    super.end(callback);
    return undefined;
  }

  /** What `send` sends before it returns leaves as one piece. */
  inOnePiece<R>(send: () => R): R {
    const { stream } = this.#internals.connection;
    stream.cork();
    try {
      return send();
    } finally {
      stream.uncork();
    }
  }

  get #internals(): Internals {
    return this as unknown as Internals;
  }

  #requireBinding(): void {
    const { connection } = this.#internals;
    let offered = false;
    const refuse = () =>
      connection.emit("error", new Error("the server does not bind the password to its certificate"));
    connection.on("authenticationSASL", ({ mechanisms }: { mechanisms: readonly string[] }) => {
      offered = mechanisms.includes("SCRAM-SHA-256-PLUS");
      if (!offered) refuse();
    });
    connection.on("authenticationOk", () => offered || refuse());
  }
}
