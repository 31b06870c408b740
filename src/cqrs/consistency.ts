import { OutcomeUnknown, ServiceError } from "./errors.ts";

/** What answered: `both` where one request needed several reads and not all came from the same store. */
export type ServedBy = "redis" | "database" | "both";

/** How to make sure that a read would have the same answer again. */
export interface Recheck {
  /** Reads again, and says at which revision the same answer is true, or nothing if it may have become another. */
  again(): Promise<number | undefined>;
  /** What it has to remember for that, in characters. */
  readonly size: number;
}

/**
 * One request's side of the promise: what the client asks for (`atLeast`) and what its answer turns out to be true
 * at. Handlers report each read and each command here; the HTTP layer sends the sum as `extensions.consistency`.
 */
export class Consistency {
  /** The revision that every answer must have reached. 0 asks for nothing. */
  readonly atLeast: number;
  #lowestRead: number | undefined;
  #lastCommand: number | undefined;
  readonly #sources = new Set<"redis" | "database">();
  readonly #rechecks: Recheck[] = [];
  #repeatable = true;
  #ended = false;
  #commandBegun = false;

  constructor(atLeast = 0) {
    this.atLeast = atLeast;
  }

  /** Notes a read that is true at `revision`, and how to make sure of it again if there is a way. */
  read(revision: number, source: "redis" | "database", recheck?: Recheck): void {
    this.#lowestRead = Math.min(this.#lowestRead ?? revision, revision);
    this.#sources.add(source);
    if (recheck) this.#rechecks.push(recheck);
    else this.#repeatable = false;
  }

  /** Notes the revision that a command made, or at which it was refused; of several commands the last one counts. */
  command(revision: number): void {
    this.#lastCommand = revision;
    this.#sources.add("database");
    this.#repeatable = false;
  }

  /** @throws ServiceError `REVISION_NOT_REACHED` when `revision` is older than what the client asked for. */
  require(revision: number): void {
    if (revision < this.atLeast) {
      throw new ServiceError(
        "REVISION_NOT_REACHED",
        `The database is at revision ${revision}; the request asks for at least ${this.atLeast}.`,
      );
    }
  }

  /** @throws ServiceError `TIMED_OUT` when the request has ended: nobody waits for what would be read */
  requireTime(): void {
    if (this.#ended) throw timedOut();
  }

  /** Notes that a command is about to change the database. Throws as `requireTime` does. */
  beginCommand(): void {
    this.requireTime();
    this.#commandBegun = true;
  }

  /**
   * Ends the request before it has its answer: it reads nothing more and begins no command.
   *
   * @returns what its client is to be told
   */
  end(): ServiceError {
    this.#ended = true;
    return this.#commandBegun ? new OutcomeUnknown(undefined) : timedOut();
  }

  /** How to make sure of everything that the answer was made from; `undefined` when that cannot be had. */
  get rechecks(): readonly Recheck[] | undefined {
    return this.#repeatable && this.#rechecks.length > 0 ? this.#rechecks : undefined;
  }

  /** `undefined` while nothing was read or written. */
  get report(): { revision: number; servedBy: ServedBy } | undefined {
    const revision = this.#lastCommand ?? this.#lowestRead;
    if (revision === undefined) return undefined;
    const [first, second] = this.#sources;
    return { revision, servedBy: second ? "both" : (first ?? "database") };
  }
}

function timedOut(): ServiceError {
  return new ServiceError(
    "TIMED_OUT",
    "The answer took too long; nothing was changed. Ask for less, or try again later.",
  );
}
