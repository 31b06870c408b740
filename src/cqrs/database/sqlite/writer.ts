import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Batch } from "../../batch.ts";
import { patience, within } from "../../deadline.ts";
import { BatchFailure, type Committed, type StreamTable } from "../stream-table.ts";
import { BUSY_TIMEOUT_MS } from "./connection.ts";
import type { FromWriter, ToWriter, WriterData } from "./writer-messages.ts";

/** How long the thread may take for a batch: to wait for the lock, and for a disk that has stalled. Milliseconds. */
const PATIENCE_MS = BUSY_TIMEOUT_MS + 7000;
/** How long it may take to end when it is asked to, in milliseconds. */
const END_MS = 3000;
/** What its objects may take, in megabytes: those of one batch. */
const HEAP_MB = 512;

/** The code of a thread that was lost before it had begun: nothing was changed. */
export const WRITER_LOST = "WRITER_LOST";

interface Pending {
  readonly batch: Batch<never> | undefined;
  readonly resolve: (committed: Committed | undefined) => void;
  readonly reject: (failure: BatchFailure) => void;
  readonly endPatience: () => void;
}

/** The thread that commits commands to an SQLite file, as the rest of the process sees it. It lives until it is lost. */
export class Writer {
  /** Whether the thread has ended, or was given up. */
  lost = false;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #prepared = new Map<string, Promise<unknown>>();
  #messages = 0;

  constructor(file: string) {
    this.#worker = new Worker(new URL("./writer-thread.ts", import.meta.url), {
      workerData: { file } satisfies WriterData,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
      name: "writer",
    });
    this.#worker
      .on("message", (message: FromWriter) => this.#receive(message))
      .on("error", (error) => this.#lose(error))
      .on("exit", () => this.#lose(new Error("the writing thread has ended")));
  }

  /** Makes the thread ready for batches of a stream. @throws BatchFailure */
  prepare(table: StreamTable): Promise<unknown> {
    const prepared = this.#prepared.get(table.stream) ?? this.#ask((id) => ({ id, table }));
    this.#prepared.set(table.stream, prepared);
    return prepared.catch((error) => {
      this.#prepared.delete(table.stream);
      throw error;
    });
  }

  /** @throws BatchFailure */
  async commit({ stream }: StreamTable, batch: Batch<never>): Promise<Committed> {
    const { asked, starts } = batch;
    return (await this.#ask((id) => ({ id, stream, asked, cells: starts.cells }), batch)) as Committed;
  }

  /** Ends the thread when it has done what it was asked for. */
  async close(): Promise<void> {
    if (this.lost) return;
    const ended = once(this.#worker, "exit");
    this.#send(undefined);
    await within(END_MS, ended).catch(() => this.#giveUp());
  }

  #ask(messageOf: (id: number) => ToWriter, batch?: Batch<never>): Promise<Committed | undefined> {
    const id = this.#messages++;
    return new Promise((resolve, reject) => {
      // nobody answers what cannot be sent
      this.#send(messageOf(id));
      const endPatience = patience(PATIENCE_MS, () => this.#giveUp());
      this.#pending.set(id, { batch, resolve, reject, endPatience });
    });
  }

  #send(message: ToWriter): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromWriter): void {
    if ("warning" in message) {
      process.emitWarning(message.warning.message, message.warning.name);
      return;
    }
    // `node --watch` sends messages of its own
    if (!("id" in message)) return;
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    pending?.endPatience();
    if ("committed" in message) pending?.resolve(message.committed);
    else {
      const { message: text, code, committing } = message.failure;
      pending?.reject(new BatchFailure(Object.assign(new Error(text), code && { code }), committing));
    }
  }

  /** For a thread that hangs. It may do so where it cannot be stopped; nobody waits for that. */
  #giveUp(): void {
    this.#lose(new Error("the writing thread does not answer"));
    void this.#worker.terminate();
  }

  /** Nothing is known of what has begun. What had not begun is kept from it, whatever the thread is still to do. */
  #lose(error: Error): void {
    this.lost = true;
    for (const { batch, reject, endPatience } of this.#pending.values()) {
      endPatience();
      const withdrawn = batch?.asked.map((_, index) => batch.starts.withdraw(index));
      const hasBegun = withdrawn?.includes(false) ?? false;
      reject(new BatchFailure(Object.assign(error, { code: WRITER_LOST }), hasBegun));
    }
    this.#pending.clear();
  }
}
