import { setImmediate as nextTurn } from "node:timers/promises";
import type { Commit, Outcome } from "../change.ts";
import { DatabaseUnavailable } from "../errors.ts";
import type { ReadModel } from "../queries/read-model.ts";
import type { Command, StreamWriter } from "./stream-writer.ts";

/**
 * Commands of one transaction. It holds the row's lock meanwhile, for which other processes wait; more would gain
 * little, as each has a small part of the commit's cost already, and PostgreSQL keeps account of no more savepoints cheaply.
 */
const MAX_COMMANDS = 64;

interface Waiting<T> {
  readonly command: Command<T>;
  readonly resolve: (outcome: Outcome<T>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The way of every command of a stream: a transaction, then the refresh of the read model, then the acknowledgement.
 *
 * Commands that arrive while others are being committed wait, and what waits shares the next transaction and its
 * commit to disk. Nothing waits for more to come.
 */
export class CommandQueue<T extends object> {
  readonly #writer: StreamWriter<T>;
  readonly #readModel: ReadModel<T>;
  readonly #waiting: Waiting<T>[] = [];
  #committing = false;

  constructor(writer: StreamWriter<T>, readModel: ReadModel<T>) {
    this.#writer = writer;
    this.#readModel = readModel;
  }

  /**
   * Runs a command and returns its outcome when it is acknowledged. Commands run in the order of these calls.
   *
   * @throws what `StreamWriter.commit` throws
   */
  execute(command: Command<T>): Promise<Outcome<T>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ command, resolve, reject });
      if (!this.#committing) void this.#commitWaiting();
    });
  }

  /** Runs many commands in one transaction of their own, and returns their outcomes when they are acknowledged. */
  async executeAll(commands: readonly Command<T>[]): Promise<readonly Outcome<T>[]> {
    return this.#acknowledge(await this.#writer.commit(commands));
  }

  async #commitWaiting(): Promise<void> {
    this.#committing = true;
    while (this.#waiting.length > 0) {
      // SQLite commits without returning to the event loop, so this is where the network has its turn: whatever it has
      // delivered by now takes part
      await nextTurn();
      await this.#commitTogether(this.#waiting.splice(0, MAX_COMMANDS));
    }
    this.#committing = false;
  }

  async #commitTogether(batch: readonly Waiting<T>[]): Promise<void> {
    const rejectAll = (waiting: readonly Waiting<T>[], error: unknown) => {
      for (const { reject } of waiting) reject(error);
    };
    try {
      const commit = await this.#writer.commit(batch.map(({ command }) => command));
      // the next transaction does not wait for this one's acknowledgement
      this.#acknowledge(commit).then(
        (outcomes) => batch.forEach(({ resolve }, i) => void resolve(outcomes[i] as Outcome<T>)),
        (error) => rejectAll(batch, error),
      );
    } catch (error) {
      rejectAll(batch, error);
      // each batch that waits would wait for another time-out of the same database
      if (error instanceof DatabaseUnavailable) rejectAll(this.#waiting.splice(0), error);
    }
  }

  async #acknowledge(commit: Commit<T>): Promise<readonly Outcome<T>[]> {
    await this.#readModel.refresh(commit);
    return commit.outcomes;
  }
}
