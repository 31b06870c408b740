import { Worker } from "node:worker_threads";
import Database from "better-sqlite3";
import { patience, TimedOut } from "../../deadline.ts";
import { DatabaseUnavailable } from "../../errors.ts";
import type { Answered, Asked, Warned } from "./reading-thread.ts";

/** How many there are at most: more would not read faster than a few cores, and each takes some 20 MB. */
const THREADS = 2;
/** How long one may answer nothing that it was asked; a bounded portion takes it some milliseconds. */
const SILENCE_MS = 10_000;
/** A thread that hangs in a statement cannot be ended before that: so many may hang, and no others are started. */
const MOST_HANGING = 4;

/** Connections that one keeps open for the next transactions, beside the shared one. */
const MOST_IDLE = 2;

interface Waiting {
  readonly resolve: (answer: Rows) => void;
  readonly reject: (error: unknown) => void;
}

export type Rows = Extract<Answered, { rows: unknown }>;

/**
 * The threads that read a SQLite file for whatever may take long, each started when it is first needed. One that ends, or
 * hangs, fails what it was asked, and another takes its place.
 */
export class ReadingThreads {
  readonly #file: string;
  readonly #silenceMs: number;
  readonly #mostHanging: number;
  readonly #threads = new Set<ReadingThread>();
  readonly #hanging = new Set<ReadingThread>();

  constructor(file: string, silenceMs = SILENCE_MS, mostHanging = MOST_HANGING) {
    this.#file = file;
    this.#silenceMs = silenceMs;
    this.#mostHanging = mostHanging;
  }

  /**
   * The thread that has the least to do.
   *
   * @throws DatabaseUnavailable when too many hang
   */
  next(): ReadingThread {
    const [idlest] = [...this.#threads].sort((a, b) => a.waiting - b.waiting);
    if (idlest && (idlest.waiting === 0 || this.#threads.size === THREADS)) return idlest;
    if (this.#hanging.size === this.#mostHanging) throw new DatabaseUnavailable(new Error("the reading threads hang"));
    const thread = new ReadingThread(this.#file, this.#silenceMs, (state) => {
      this.#threads.delete(thread);
      if (state === "hangs") this.#hanging.add(thread);
      else this.#hanging.delete(thread);
    });
    this.#threads.add(thread);
    return thread;
  }

  /** Ends all of them, once they have run what they were asked. */
  async close(): Promise<void> {
    await Promise.all([...this.#threads, ...this.#hanging].map((thread) => thread.end()));
  }
}

/** One thread and what it was asked. It is sent one statement at a time, so that no more than one answer lies about. */
export class ReadingThread {
  readonly #worker: Worker;
  readonly #silenceMs: number;
  readonly #waiting = new Map<number, Waiting>();
  readonly #unsent: Asked[] = [];
  #busy = false;
  /** Connections that are in no transaction. */
  readonly #idle: number[] = [];
  readonly #onLoss: (state: "hangs" | "has ended") => void;
  #lost: Error | undefined;
  #ids = 0;
  #endPatience: (() => void) | undefined;

  constructor(file: string, silenceMs: number, onLoss: (state: "hangs" | "has ended") => void) {
    this.#silenceMs = silenceMs;
    this.#onLoss = onLoss;
    this.#worker = new Worker(new URL("./reading-thread.ts", import.meta.url), { name: "reads", workerData: file });
    this.#worker.unref();
    this.#worker.on("message", (message: Answered | Warned) => this.#take(message));
    this.#worker.on("error", (error) => this.#lose(error));
    this.#worker.on("exit", () => {
      this.#lose(new Error("the thread has ended"));
      this.#onLoss("has ended");
    });
  }

  /** How many statements it has still to run. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** The number of a connection that nobody else uses, until it is given back. A new one is opened when it is first used. */
  takeConnection(): number {
    return this.#idle.pop() ?? ++this.#ids;
  }

  /** Ends the transaction that a connection is in. It is kept for the next one: what it has prepared and cached is of use. */
  giveBack(connection: number): void {
    const keep = () => {
      if (this.#idle.length < MOST_IDLE) this.#idle.push(connection);
      else this.#close(connection);
    };
    this.run(connection, "rollback").then(keep, () => this.#close(connection));
  }

  /**
   * Runs a statement.
   *
   * @throws DatabaseUnavailable when the thread is lost; SqliteError
   */
  run(connection: number, sql: string, parameters: readonly unknown[] = []): Promise<Rows> {
    return new Promise((resolve, reject) => {
      if (this.#lost) return reject(new DatabaseUnavailable(this.#lost));
      const id = ++this.#ids;
      this.#waiting.set(id, { resolve, reject });
      if (this.#waiting.size === 1) {
        // who waits for it keeps the process alive, it alone does not
        this.#worker.ref();
        this.#listen();
      }
      this.#ask({ id, connection, sql, parameters });
    });
  }

  /** Waits until it is over. What it was asked is failed. */
  async end(): Promise<void> {
    this.#lose(new Error("the database was closed"));
    await this.#worker.terminate();
  }

  /** With it goes the transaction that it is in. */
  #close(connection: number): void {
    if (!this.#lost) this.#ask({ connection, close: true });
  }

  #ask(asked: Asked): void {
    this.#unsent.push(asked);
    if (!this.#busy) this.#sendOn();
  }

  #sendOn(): void {
    this.#busy = false;
    for (let next = this.#unsent.shift(); next; next = this.#unsent.shift()) {
      this.#worker.postMessage(next);
      if ("id" in next) {
        this.#busy = true;
        return;
      }
    }
  }

  #take(message: Answered | Warned): void {
    if ("warning" in message) process.emitWarning(message.warning.message, message.warning.name);
    // `node --watch` sends messages of its own
    if ("id" in message) this.#settle(message);
  }

  #settle(answered: Answered): void {
    // whoever waits for its end keeps the process alive, and nobody waits for this any more
    if (this.#lost) return;
    const waiting = this.#waiting.get(answered.id);
    this.#waiting.delete(answered.id);
    this.#sendOn();
    this.#listen();
    if ("rows" in answered) waiting?.resolve(answered);
    else waiting?.reject(new Database.SqliteError(answered.failure.message, answered.failure.code ?? "SQLITE_ERROR"));
  }

  /** Gives it so long to answer, as long as anything is waited for. */
  #listen(): void {
    this.#endPatience?.();
    if (this.#waiting.size > 0) this.#endPatience = patience(this.#silenceMs, () => this.#giveUp());
    else this.#worker.unref();
  }

  #giveUp(): void {
    this.#lose(new TimedOut(this.#silenceMs));
    this.#onLoss("hangs");
    this.#worker.terminate();
  }

  #lose(error: Error): void {
    if (this.#lost) return;
    this.#lost = error;
    this.#endPatience?.();
    this.#worker.unref();
    for (const { reject } of this.#waiting.values()) reject(new DatabaseUnavailable(error));
    this.#waiting.clear();
    this.#unsent.length = 0;
  }
}
