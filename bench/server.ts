import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { onFinished } from "../test/support/cleanup.ts";
import { type Environment, type Program, spawnProgram } from "../test/support/service/program.ts";
import { eventually } from "../test/support/wait.ts";

/** The core that the measured server has to itself, and the one for everything else: load, Redis and this process. */
const [SERVER_CORE, LOAD_CORE] = ownCores();

/** The unit of the times in /proc, in seconds. It is the same on all of Linux's usual platforms. */
const TICK = 1 / 100;

/** What a server still has to do for clients that have left takes less than this, in milliseconds. */
const SETTLE_MS = 50;

/** A large catalogue takes its time to be copied to Redis, in milliseconds. */
const ANSWER_TIMEOUT_MS = 300_000;

/** How many requests are under way at once while a server is checked or warmed up. */
const CLIENTS = 32;

/**
 * Keeps this process, and everything that it starts, on one core.
 *
 * @throws when there is no other core for the servers
 */
export function moveToLoadCore(): void {
  if (SERVER_CORE === undefined || LOAD_CORE === undefined) {
    throw new Error("the benchmark needs two cores: one for the servers, and one for the load");
  }
  pin(process.pid, LOAD_CORE);
}

/** The cores that this process may run on, of which a container need not have the first. */
function ownCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number) as [number, number?];
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

function pin(pid: number, cores: number | string, withAllThreads = true): void {
  const options = [...(withAllThreads ? ["--all-tasks"] : []), "--cpu-list", "--pid"];
  execFileSync("taskset", [...options, `${cores}`, `${pid}`], { stdio: "ignore" });
}

/** A GraphQL answer of a service or a peer. */
export interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: the answers of all operations
  readonly data: any;
  readonly errors?: unknown;
  readonly extensions?: { readonly consistency?: { readonly servedBy?: string } };
}

export interface ServerOptions {
  readonly name: string;
  readonly entry: string;
  readonly env: Environment;
  /** The file in which it keeps its books, or the URL of its PostgreSQL database. */
  readonly database: string;
  /** Where it must say that its reads come from; peers do not say. */
  readonly servedBy?: "redis" | "database";
  /** Whether it runs on the core of the load, because another server has the other one. */
  readonly besideLoad?: boolean;
}

/** A server in a process of its own, which stands still unless it is this one's turn. */
export class Server {
  readonly name: string;
  readonly database: string;
  readonly servedBy: string | undefined;
  /** Whether its books may be others by now than those that were seeded. */
  isWritten = false;
  readonly #run: Program;

  /** Starts the process. It ends with the benchmark. */
  constructor({ name, entry, env, database, servedBy, besideLoad }: ServerOptions) {
    this.name = name;
    this.database = database;
    this.servedBy = servedBy;
    this.#run = spawnProgram(entry, [], { PORT: "0", NODE_ENV: "production", ...env });
    const { child } = this.#run;
    onFinished(async () => {
      if (this.#ended) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    });
    pin(child.pid as number, (besideLoad ? LOAD_CORE : SERVER_CORE) as number);
  }

  /** Has all of its threads but the one that answers, V8's collectors of garbage among them, use both cores, as where it is deployed. */
  spread(): void {
    const pid = this.#run.child.pid as number;
    pin(pid, `${SERVER_CORE},${LOAD_CORE}`);
    pin(pid, SERVER_CORE as number, false);
  }

  /** The URL of the API; empty until it is ready. */
  get url(): string {
    return this.urlOf("ready");
  }

  /** The URL that it has told by that name; empty until it has. */
  urlOf(name: string): string {
    return new RegExp(`${name}.*?(http:\\S+)`).exec(this.#run.stdout())?.[1] ?? "";
  }

  /** Where its inspector listens, if it was started with one. */
  get inspectorUrl(): string {
    return /listening on (ws:\S+)/.exec(this.#run.stderr())?.[1] ?? "";
  }

  /** Lets it stand still, so that nothing that it does by itself disturbs another's turn. */
  async pause(): Promise<void> {
    await sleep(SETTLE_MS);
    this.#run.child.kill("SIGSTOP");
  }

  /** Lets it go on, and waits until it answers, and from where it should. */
  async resume(read: string): Promise<void> {
    this.#run.child.kill("SIGCONT");
    await eventually(
      `${this.name} answers${this.servedBy ? ` from the ${this.servedBy}` : ""}`,
      async () => {
        if (this.#ended) return true;
        if (!this.url) return false;
        const [answer] = await this.askAll([read]);
        return answer?.extensions?.consistency?.servedBy === this.servedBy;
      },
      ANSWER_TIMEOUT_MS,
    );
    if (this.#ended) throw new Error(`${this.name} has ended: ${this.#run.stderr()}`);
  }

  /** Sends these requests again and again for a while. */
  async warmUp(reads: readonly string[], milliseconds: number): Promise<void> {
    for (const end = performance.now() + milliseconds; performance.now() < end; ) {
      await this.askAll(Array.from({ length: 100 }, () => reads[Math.floor(Math.random() * reads.length)] as string));
    }
  }

  /** The answers to these requests, in their order. */
  async askAll(requests: readonly string[]): Promise<Answer[]> {
    // of its own each time: a server that stands still for long closes its connections when it goes on
    const agent = new Agent({ keepAlive: true });
    const answers: Answer[] = [];
    const remaining = requests.entries();
    const client = async () => {
      for (const [i, one] of remaining) answers[i] = await send(this.url, agent, one);
    };
    try {
      await Promise.all(Array.from({ length: Math.min(CLIENTS, requests.length) }, client));
    } finally {
      agent.destroy();
    }
    return answers;
  }

  /** The processor time that it has used so far, in seconds. */
  cpuSeconds(): number {
    // the second field is the program's name in parentheses, which may hold blanks
    const fields = this.#proc("stat")
      .replace(/^.*\) /s, "")
      .split(" ");
    return (Number(fields[11]) + Number(fields[12])) * TICK;
  }

  /** Its resident memory, in megabytes. */
  memoryMb(): number {
    return Number(/^VmRSS:\s+(\d+)/m.exec(this.#proc("status"))?.[1]) / 1024;
  }

  get #ended(): boolean {
    return this.#run.child.exitCode !== null || this.#run.child.signalCode !== null;
  }

  #proc(file: string): string {
    return readFileSync(`/proc/${this.#run.child.pid}/${file}`, "utf8");
  }
}

/** Posts a body, or gets what begins with `/`. */
function send(url: string, agent: Agent, bodyOrTarget: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const isTarget = bodyOrTarget.startsWith("/");
    const body = isTarget ? "" : bodyOrTarget;
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const options = isTarget ? { agent } : { method: "POST", agent, headers };
    request(isTarget ? new URL(bodyOrTarget, url) : url, options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => {
        if (response.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`status ${response.statusCode}: ${text}`));
      });
      response.on("error", reject);
    })
      .on("error", reject)
      .end(body);
  });
}
