import type { Asked } from "../batch.ts";
import type { Commit, Outcome } from "../change.ts";
import type { OrmService } from "../database/orm-service.ts";
import type { Command, Refused } from "../decisions.ts";
import { DatabaseUnavailable, ServiceError } from "../errors.ts";
import { Starts } from "../starts.ts";
import type { StreamDefinition } from "../stream.ts";

/**
 * Commits the commands of a stream. The row's lock orders them all, whichever process they run in: revisions have no gaps
 * and are in commit order.
 */
// biome-ignore lint/suspicious/noExplicitAny: the kernel knows no commands
export class StreamWriter<T extends object, C extends Command = any, R extends Refused = any> {
  readonly #orm: OrmService;
  readonly #definition: StreamDefinition<T>;

  constructor(orm: OrmService, definition: StreamDefinition<T>) {
    this.#orm = orm;
    this.#definition = definition;
  }

  /**
   * Runs the commands in order in one transaction. One that is refused or fails takes no revision and does not fail its
   * neighbours.
   *
   * @throws OutcomeUnknown, DatabaseUnavailable: of all of them; and what a command fails with that is the only one
   */
  async commit(asked: readonly Asked<C>[], starts = Starts.of(asked.length)): Promise<Commit<T, R>> {
    if (asked.length === 0) throw new RangeError("a commit needs at least one command");
    try {
      return await this.#commit(asked, starts);
    } catch (error) {
      if (error instanceof ServiceError || asked.length === 1) throw error;
      return this.#commitEach(asked, starts);
    }
  }

  async #commit(asked: readonly Asked<C>[], starts: Starts): Promise<Commit<T, R>> {
    const committed = await this.#orm.commitBatch(this.#definition, { asked, starts } as never);
    const { readModel, leaseMs } = committed;
    const committedAt = performance.now();
    const outcomes = committed.outcomes.map((outcome) => this.#whole(outcome));
    return { outcomes, changes: outcomes.flatMap(({ change }) => change ?? []), readModel, leaseMs, committedAt };
  }

  /** What was done when a command was asked for first may have been logged by a process of an older version. */
  #whole(outcome: Outcome<T, R>): Outcome<T, R> {
    const { repeats } = outcome;
    if (!repeats) return outcome;
    const { complete } = this.#definition.format;
    const whole = (logged: T | null) => logged && (complete(logged) as T);
    return { ...outcome, repeats: { ...repeats, before: whole(repeats.before), after: whole(repeats.after) } };
  }

  /**
   * One after the other, for when the database has found fault with one of them, as no rule of the program did: the others
   * shall not fail with it.
   */
  async #commitEach(asked: readonly Asked<C>[], starts: Starts): Promise<Commit<T, R>> {
    const outcomes: Outcome<T, R>[] = [];
    // what a commit saw last; if there was none, nothing is to be refreshed
    let last: Omit<Commit<T, R>, "outcomes" | "changes"> = { readModel: null, leaseMs: 0, committedAt: 0 };
    let unavailable: DatabaseUnavailable | undefined;
    for (const [index, one] of asked.entries()) {
      try {
        // each of them would wait for another time-out of the same database
        if (unavailable) throw unavailable;
        const commit = await this.#commit([one], starts.only(index));
        outcomes.push(...commit.outcomes);
        last = commit;
      } catch (error) {
        if (error instanceof DatabaseUnavailable) unavailable = error;
        const { revision, token } = outcomes.at(-1) ?? { revision: 0, token: "" };
        outcomes.push({ revision, token, failure: error as Error });
      }
    }
    // the first one's: so all of them are
    if (outcomes[0]?.failure instanceof DatabaseUnavailable) throw outcomes[0].failure;
    return { ...last, outcomes, changes: outcomes.flatMap(({ change }) => change ?? []) };
  }
}
