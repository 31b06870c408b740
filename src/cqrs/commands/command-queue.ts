import { setImmediate as nextTurn } from "node:timers/promises";
import type { Asked } from "../batch.ts";
import type { Change, Commit, Effect, Outcome } from "../change.ts";
import type { Consistency } from "../consistency.ts";
import type { Counts } from "../counts.ts";
import type { Command, Refused } from "../decisions.ts";
import { DatabaseUnavailable, IdempotencyKeyReused } from "../errors.ts";
import type { ReadModel } from "../queries/read-model.ts";
import type { SentKey } from "../repeats.ts";
import { Starts } from "../starts.ts";
import { type CommandTrace, traced, traces } from "../tracing.ts";
import type { StreamWriter } from "./stream-writer.ts";

/**
 * Commands of one transaction. It holds the row's lock meanwhile, for which other processes wait; more would gain
 * little, as each has a small part of the commit's cost already.
 */
const MAX_COMMANDS = 64;

interface Waiting<T, C, R> {
  readonly command: C;
  readonly once: SentKey | undefined;
  readonly consistency: Consistency;
  readonly trace: CommandTrace | undefined;
  readonly resolve: (outcome: Outcome<T, R>) => void;
  readonly reject: (error: unknown) => void;
}

/** What became of a command: it changed something, or was refused. */
export type Executed<T, R, E extends Effect<T> = Effect<T>> =
  | { readonly change: E; readonly refused?: undefined }
  | { readonly refused: R; readonly change?: undefined };

/**
 * The way of every command of a stream: a transaction, then the refresh of the read model, then the acknowledgement.
 *
 * Commands that arrive while others are being committed wait, and what waits shares the next transaction and its
 * commit to disk. Nothing waits for more to come.
 */
// biome-ignore lint/suspicious/noExplicitAny: the kernel knows no commands
export class CommandQueue<T extends object, C extends Command = any, R extends Refused = any> {
  readonly #stream: string;
  readonly #writer: StreamWriter<T, C, R>;
  readonly #readModel: ReadModel<T>;
  readonly #counts: Counts;
  readonly #waiting: Waiting<T, C, R>[] = [];
  #committing = false;

  constructor(stream: string, writer: StreamWriter<T, C, R>, readModel: ReadModel<T>, counts: Counts) {
    this.#counts = counts;
    this.#stream = stream;
    this.#writer = writer;
    this.#readModel = readModel;
  }

  /** How many commands wait for the next transaction. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Runs a command for a request and returns what became of it when it is acknowledged. Commands run in the order of these
   * calls. One that was done before under the key in `once` is not done again: its change is the one that it made then.
   *
   * @throws IdempotencyKeyReused; what `StreamWriter.commit` throws; ServiceError `TIMED_OUT` when the request has ended before the command began,
   *   and `REVISION_NOT_REACHED` when it asks for a later state
   */
  execute(command: C, consistency: Consistency, once?: SentKey): Promise<Executed<T, R>> {
    return traced(
      traces.command,
      () => ({ stream: this.#stream, kind: command.kind }),
      (trace) => this.#execute(command, consistency, once, trace),
    );
  }

  async #execute(
    command: C,
    consistency: Consistency,
    once: SentKey | undefined,
    trace: CommandTrace | undefined,
  ): Promise<Executed<T, R>> {
    consistency.requireTime();
    const outcome = await new Promise<Outcome<T, R>>((resolve, reject) => {
      this.#waiting.push({ command, once, consistency, trace, resolve, reject });
      if (!this.#committing) void this.#commitWaiting();
    });
    const { revision, change, repeats, isReused, refused, failure, skipped } = outcome;
    if (failure) throw failure;
    // the state that the command builds on is what the client asks for, not the one that it makes
    if (skipped === "too old") consistency.require(this.#stream, revision);
    if (skipped === "withdrawn") consistency.requireTime();
    consistency.command(this.#stream, revision);
    const became = change ? "changed" : repeats ? "repeated" : "refused";
    if (trace) Object.assign(trace, { revision, outcome: became });
    if (once && isReused) throw new IdempotencyKeyReused(once.key);
    const effect = change ?? repeats;
    return effect ? { change: effect } : { refused: refused as R };
  }

  /**
   * Runs many commands in one transaction of their own, and returns what became of them when they are acknowledged.
   * `askedAs` says of each who asks, and what keeps it from being done twice, if anything does.
   *
   * @throws what `StreamWriter.commit` throws, and what one of them failed with
   */
  async executeAll<D extends C>(
    commands: readonly D[],
    askedAs: (command: D) => Pick<Asked<C>, "who" | "once"> = () => ({}),
  ): Promise<readonly Executed<T, R, Change<T>>[]> {
    const asked = commands.map((command): Asked<C> => ({ command, atLeast: 0, ...askedAs(command) }));
    const outcomes = await this.#acknowledge(await this.#writer.commit(asked));
    for (const { failure } of outcomes) if (failure) throw failure;
    return outcomes.map(({ change, refused }) => (change ? { change } : { refused: refused as R }));
  }

  async #commitWaiting(): Promise<void> {
    this.#committing = true;
    while (this.#waiting.length > 0) {
      // whatever the network has delivered by now takes part
      await nextTurn();
      await this.#commitTogether(this.#waiting.splice(0, MAX_COMMANDS).filter(isWanted));
    }
    this.#committing = false;
  }

  async #commitTogether(batch: readonly Waiting<T, C, R>[]): Promise<void> {
    if (batch.length === 0) return;
    const rejectAll = (waiting: readonly Waiting<T, C, R>[], error: unknown) => {
      for (const { reject } of waiting) reject(error);
    };
    const starts = Starts.of(batch.length);
    const asked = batch.map(({ command, once, consistency }, i): Asked<C> => {
      consistency.beginCommand(() => starts.withdraw(i));
      const { subject, who } = consistency.asker;
      return { command, once: once && { ...once, subject }, who, atLeast: consistency.atLeast(this.#stream) };
    });
    try {
      const commit = await this.#commit(batch, asked, starts);
      // the next transaction does not wait for this one's acknowledgement
      this.#acknowledge(commit).then(
        (outcomes) => batch.forEach(({ resolve }, i) => void resolve(outcomes[i] as Outcome<T, R>)),
        (error) => rejectAll(batch, error),
      );
    } catch (error) {
      rejectAll(batch, error);
      // each batch that waits would wait for another time-out of the same database
      if (error instanceof DatabaseUnavailable) rejectAll(this.#waiting.splice(0), error);
    }
  }

  #commit(batch: readonly Waiting<T, C, R>[], asked: readonly Asked<C>[], starts: Starts): Promise<Commit<T, R>> {
    this.#counts.commits++;
    this.#counts.commands += batch.length;
    const commands = () => batch.flatMap(({ trace }) => trace ?? []);
    return traced(
      traces.commit,
      () => ({ stream: this.#stream, commands: commands(), size: batch.length }),
      () => this.#writer.commit(asked, starts),
    );
  }

  async #acknowledge(commit: Commit<T, R>): Promise<readonly Outcome<T, R>[]> {
    await this.#readModel.refresh(commit);
    return commit.outcomes;
  }
}

/** Turns away a command whose request has ended meanwhile. */
function isWanted<T, C, R>({ consistency, reject }: Waiting<T, C, R>): boolean {
  try {
    consistency.requireTime();
    return true;
  } catch (error) {
    reject(error);
    return false;
  }
}
