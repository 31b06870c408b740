import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { OrmService } from "./database/orm-service.ts";
import type { StreamDefinition } from "./stream.ts";
import { trimLog } from "./trim-log.ts";

/** Entries that one transaction removes: it has that done in a few milliseconds, for which commands wait. */
const PORTION = 200;
/** A round takes so small a part of the database's time. */
const PAUSES = 10;
/** How long it is from one round to the next on average, in milliseconds; processes have theirs at different times. */
const INTERVAL_MS = 3_600_000;

/** Removes what is older than is to be kept from a stream's change log, round after round, while everything runs. */
export class LogTrimmer<T extends object> {
  readonly #orm: OrmService;
  readonly #definition: StreamDefinition<T>;
  readonly #keepMs: number | undefined;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  /** Without `keepMs` everything is kept. */
  constructor(orm: OrmService, definition: StreamDefinition<T>, keepMs: number | undefined, log: Logger) {
    this.#orm = orm;
    this.#definition = definition;
    this.#keepMs = keepMs;
    this.#log = log;
  }

  start(): void {
    if (this.#keepMs !== undefined) this.#running = this.#run(this.#keepMs).catch(() => {});
  }

  /** Stops, and waits for the portion that is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(keepMs: number): Promise<void> {
    for (;;) {
      await this.#round(keepMs).catch((error: Error) => {
        if (this.#stopping.signal.aborted) throw error;
        this.#log.error({ err: error }, `the change log of ${this.#definition.name} cannot be trimmed`);
      });
      await this.#pause(INTERVAL_MS * (0.5 + Math.random()));
    }
  }

  async #round(keepMs: number): Promise<void> {
    let removed = 0;
    for (;;) {
      const began = performance.now();
      const portion = await trimLog(this.#orm, this.#definition, keepMs, PORTION);
      removed += portion.removed;
      if (!portion.hasMore) {
        const { name } = this.#definition;
        if (removed > 0) this.#log.info({ removed, to: portion.to }, `the change log of ${name} was trimmed`);
        return;
      }
      await this.#pause(PAUSES * (performance.now() - began));
    }
  }

  /** @throws AbortError when it is to stop */
  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { ref: false, signal: this.#stopping.signal });
  }
}
