import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Redis } from "ioredis";
import { onFinished } from "../cleanup.ts";
import { freePort } from "../network/port.ts";
import { temporaryDirectory } from "../temporary-directory.ts";
import { eventually } from "../wait.ts";

/** A real Redis server of the test's own, on a port that it keeps across restarts. */
export class RedisServer {
  readonly port: number;
  readonly directory: string;
  readonly #args: readonly string[];
  #process: ChildProcess | undefined;
  #client: Redis | undefined;

  /** `args` are those of `redis-server`; they must make it listen on `port`. */
  constructor(port: number, directory: string, args: readonly string[]) {
    this.port = port;
    this.directory = directory;
    this.#args = args;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** A client for looking at keys and doing damage. */
  get client(): Redis {
    if (!this.#client) throw new Error("the Redis server is not running");
    return this.#client;
  }

  async start(): Promise<void> {
    this.#process = spawn("redis-server", this.#args, { stdio: "ignore" });
    // without ioredis's own check, which needs INFO: a test may want a server that refuses it
    const options = { lazyConnect: true, enableReadyCheck: false, retryStrategy: () => 20 };
    const client = new Redis(this.port, "127.0.0.1", options);
    client.on("error", () => {});
    client.connect().catch(() => {});
    this.#client = client;
    await eventually("Redis answers", async () => (await client.ping()) === "PONG");
  }

  /** Ends the process at once; what it held in memory is gone. */
  async kill(): Promise<void> {
    this.#client?.disconnect();
    const running = this.#process;
    this.#process = undefined;
    if (!running || running.exitCode !== null) return;
    running.kill("SIGKILL");
    await once(running, "exit");
  }

  /** Stops the process without closing its connections: it accepts bytes and answers nothing. */
  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }
}

/** Starts a Redis server that ends with the test. `args` are options of `redis-server`. */
export async function startRedis(...args: string[]): Promise<RedisServer> {
  const port = await freePort();
  const directory = temporaryDirectory();
  const own = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--dir", directory];
  return started(new RedisServer(port, directory, [...own, ...args]));
}

/** Starts a server that ends with the test. */
export async function started(server: RedisServer): Promise<RedisServer> {
  onFinished(() => server.kill());
  await server.start();
  return server;
}
