import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { TcpProxy } from "../../../test/support/network/proxy.ts";
import { type ServiceProcess, startProcess } from "../../../test/support/service/service-process.ts";
import { get, jsonOf, post } from "../../clients/http.ts";
import type { Random } from "../../clients/random.ts";
import type { Document, Server } from "../../clients/server.ts";
import type { Branch } from "../../history/branch.ts";
import { isMutation, type Operation } from "../../history/operation.ts";
import type { Installation } from "./installation.ts";
import { THREADS_ENDED } from "./threads-ended.ts";

/** A time in which a process cannot be held to its duties, on the clock of the history. */
interface Outage {
  readonly why: string;
  readonly from: number;
  to: number;
}

interface Death {
  readonly exited: Promise<unknown> | undefined;
  readonly restart: () => Promise<void>;
}

interface Ways {
  readonly redis: TcpProxy | undefined;
  readonly database: TcpProxy | undefined;
}

/** What is asked for waits no longer than this for what becomes of it. Milliseconds. */
const REMEMBERED_MS = 30_000;
/** What is kept of what earlier incarnations logged. */
const KEPT_LOGS = 5;
const KEPT_CHARACTERS = 200_000;
/** How long `stopAtWork` looks for a moment: a process that serves nobody looks the row up meanwhile. Milliseconds. */
const AT_WORK_WITHIN_MS = 300;

const THREAD_FAULTS = import.meta.resolve("./thread-faults.ts");

/** What can befall the threads that a process has beside its main one, and the signal that has it happen: `thread-faults.ts`. */
const THREAD_SIGNALS = { killed: "SIGUSR2", hanging: "SIGHUP", "out of memory": "SIGWINCH" } as const;

/** An API process that is started again when it was killed. */
export class Member implements Server {
  readonly name: string;
  /** The database that it serves, and who else does. */
  readonly installation: Installation;
  /** Its own way to Redis; undefined for a process that is configured without. */
  readonly way: TcpProxy | undefined;
  /** Its own way to the database; undefined where that is a file. */
  readonly databaseWay: TcpProxy | undefined;
  /** Whether clients leave it alone for now. */
  idle = false;
  readonly headers = {};
  readonly #env: Readonly<Record<string, string>>;
  readonly #now: () => number;
  #outages: Outage[] = [];
  readonly #logs: string[] = [];
  #process: ServiceProcess | undefined;
  #starts = 0;
  /** Mutations that were sent to it and are not answered yet, by when they were sent. */
  readonly mutating = new Map<object, number>();

  constructor(
    name: string,
    installation: Installation,
    ways: Ways,
    env: Readonly<Record<string, string>>,
    now: () => number,
  ) {
    this.name = name;
    this.installation = installation;
    this.way = ways.redis;
    this.databaseWay = ways.database;
    this.#env = env;
    this.#now = now;
  }

  /** See `Server`. It is asked as often as one likes. */
  turn(): Promise<unknown> {
    return Promise.resolve();
  }

  /** What it answers; every other read is asked for by GET. */
  async ask({ id, request }: Operation, document: Document): Promise<unknown> {
    return jsonOf(await (isMutation(request) || id % 2 === 0 ? post : get)(this.url, document));
  }

  get url(): string {
    return this.#process?.url ?? "http://127.0.0.1:1/graphql";
  }

  /** The history that its database is at. */
  get branch(): Branch {
    return this.installation.branch;
  }

  /** Those that serve the same database. */
  get others(): readonly Member[] {
    return this.installation.members.filter((other) => other !== this);
  }

  /** Its name and which start of it this is. */
  get incarnation(): string {
    return `${this.name}#${this.#starts}`;
  }

  /** What the nemesis is doing to it, if anything. */
  get outage(): string | undefined {
    return this.#outages.find(({ to }) => to === Number.POSITIVE_INFINITY)?.why;
  }

  /** What the nemesis did to it at any time since `from`. */
  outageSince(from: number): string | undefined {
    return this.#outages.findLast(({ to }) => to >= from)?.why;
  }

  /** What its last incarnations logged. */
  get log(): string {
    return [...this.#logs, this.#process?.log ?? ""].join("\n--- killed ---\n");
  }

  #keepLog(): void {
    this.#logs.push((this.#process?.log ?? "").slice(-KEPT_CHARACTERS));
    this.#logs.splice(0, this.#logs.length - KEPT_LOGS);
  }

  async start(): Promise<void> {
    this.#process = await startProcess({ NODE_OPTIONS: `--import=${THREAD_FAULTS}`, ...this.#env });
    this.#starts++;
  }

  /** Ends it. `exited` says when it has ended; `restart` starts it again. */
  kill(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Death {
    const end = this.#suffer("killed");
    const child = this.#process?.child;
    const exited = child && once(child, "exit");
    child?.kill(signal);
    const restart = async () => {
      await exited;
      this.#keepLog();
      await this.start();
      end();
    };
    return { exited, restart };
  }

  /**
   * Has something befall its threads. It is held to its duties again from when `recover` is called, as after all that
   * follows here.
   */
  strikeThreads(what: keyof typeof THREAD_SIGNALS): {
    readonly haveEnded: () => boolean;
    readonly recover: () => void;
  } {
    const recover = this.#suffer(`threads ${what}`);
    const before = this.#process?.log.length;
    this.#process?.child.kill(THREAD_SIGNALS[what]);
    return { haveEnded: () => this.#process?.log.includes(THREADS_ENDED, before) === true, recover };
  }

  /** Lets no write to a file of its succeed, as on a full disk. */
  fillDisk(): () => void {
    const end = this.#suffer("disk full");
    this.#limitFiles("0");
    return () => {
      this.#limitFiles("unlimited");
      end();
    };
  }

  /** What else keeps it from its duties: nothing is done to it itself. */
  excuse(why: string): () => void {
    return this.#suffer(why);
  }

  /** Ends it for good. */
  async end(): Promise<void> {
    await this.kill().exited;
    this.#keepLog();
    this.#process = undefined;
    await Promise.all([this.way?.close(), this.databaseWay?.close()]);
  }

  /** SIGSTOP. The returned function lets it go on. */
  stop(): () => void {
    const end = this.#suffer("stopped");
    this.#process?.child.kill("SIGSTOP");
    return () => {
      this.#process?.child.kill("SIGCONT");
      end();
    };
  }

  /**
   * SIGSTOP at a moment when it works and does not wait: what it then does first when it goes on is not what its timers
   * say. Nothing else happens in this process meanwhile, so what it works at is its own look-ups.
   */
  stopAtWork(random: Random): () => void {
    const began = performance.now();
    while (performance.now() < began + AT_WORK_WITHIN_MS && (performance.now() < began + 10 || !this.#works()));
    // a look-up takes about half a millisecond, and is worth most when it has just been answered
    for (const at = performance.now() + 0.3 + random.fraction() * 0.6; performance.now() < at; );
    return this.stop();
  }

  /** Whether its main thread runs; said by Linux alone. */
  #works(): boolean {
    try {
      return / R /.test(readFileSync(`/proc/${this.#process?.child.pid}/stat`, "latin1").slice(0, 40));
    } catch {
      return false;
    }
  }

  /** The limit that can be raised again is set. */
  #limitFiles(bytes: string): void {
    const { pid } = this.#process?.child ?? {};
    execFileSync("prlimit", [`--pid=${pid}`, `--fsize=${bytes}:`], { stdio: "ignore" });
  }

  #suffer(why: string): () => void {
    const outage: Outage = { why, from: this.#now(), to: Number.POSITIVE_INFINITY };
    this.#outages = this.#outages.filter(({ to }) => to > outage.from - REMEMBERED_MS);
    this.#outages.push(outage);
    return () => {
      outage.to = this.#now();
    };
  }
}
