import { OutcomeUnknown, ServiceError } from "./errors.ts";
import { type Report, type Revisions, reportOf } from "./revisions.ts";

/** How to make sure that a read would have the same answer again. */
export interface Recheck {
  /** The stream that was read. */
  readonly stream: string;
  /** Reads again, and says at which revision the same answer is true, or nothing if it may have become another. */
  again(): Promise<number | undefined>;
  /** What it has to remember for that, in characters. */
  readonly size: number;
}

/** What one request may take, for as long as its client is there. */
export interface RequestBounds {
  /** What all large lists that are read for it may come to together, in bytes as JSON. */
  readonly listBytes: number;
  /** What its client is told beyond that. */
  readonly tooMuch: () => ServiceError;
  readonly isGone: () => boolean;
}

/**
 * One request's side of the promise: what the client asks for (`atLeast`) and what its answer turns out to be true
 * at. Handlers report each read and each command here; the HTTP layer sends the sum as `extensions.consistency`.
 */
export class Consistency {
  /** The names of all streams: what the report says depends on how many there are. */
  readonly streams: readonly string[];
  readonly #atLeast: Revisions;
  readonly #lowestRead = new Map<string, number>();
  readonly #lastCommand = new Map<string, number>();
  readonly #sources = new Set<"redis" | "database">();
  readonly #rechecks: Recheck[] = [];
  #repeatable = true;
  readonly #bounds: RequestBounds | undefined;
  #listBytes = 0;
  #ended = false;
  #commandBegun = false;

  constructor(streams: readonly string[] = [], atLeast: Revisions = {}, bounds?: RequestBounds) {
    this.streams = streams;
    this.#atLeast = atLeast;
    this.#bounds = bounds;
  }

  /** The revision that every answer from this stream must have reached. 0 asks for nothing. */
  atLeast(stream: string): number {
    return this.#atLeast[stream] ?? 0;
  }

  /** Notes a read that is true at `revision`, and how to make sure of it again if there is a way. */
  read(stream: string, revision: number, source: "redis" | "database", recheck?: Recheck): void {
    this.#lowestRead.set(stream, Math.min(this.#lowestRead.get(stream) ?? revision, revision));
    this.#sources.add(source);
    if (recheck) this.#rechecks.push(recheck);
    else this.#repeatable = false;
  }

  /** Notes the revision that a command made, or at which it was refused; of several commands the last one counts. */
  command(stream: string, revision: number): void {
    this.#lastCommand.set(stream, revision);
    this.#sources.add("database");
    this.#repeatable = false;
  }

  /** @throws ServiceError `REVISION_NOT_REACHED` when `revision` is older than what the client asked for. */
  require(stream: string, revision: number): void {
    const atLeast = this.atLeast(stream);
    if (revision >= atLeast) return;
    const which = this.streams.length > 1 ? ` of ${stream}` : "";
    throw new ServiceError(
      "REVISION_NOT_REACHED",
      `The database is at revision ${revision}${which}; the request asks for at least ${atLeast}.`,
    );
  }

  /** Whether anybody waits for what would be read. */
  get isWanted(): boolean {
    return !this.#ended && !this.isTooMuch && !this.#bounds?.isGone();
  }

  /** Counts what has come of a large list. */
  take(bytes: number): void {
    this.#listBytes += bytes;
  }

  /** Whether more has come of large lists than the request may read. */
  get isTooMuch(): boolean {
    return this.#bounds !== undefined && this.#listBytes > this.#bounds.listBytes;
  }

  /**
   * @throws ServiceError `TIMED_OUT` when the request has ended: nobody waits for what would be read; what the bounds say
   * when it has read too much
   */
  requireTime(): void {
    if (this.isTooMuch) throw this.#bounds?.tooMuch();
    if (!this.isWanted) throw timedOut();
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
  get report(): Report | undefined {
    const [source, second] = this.#sources;
    if (!source) return undefined;
    const revisions: Record<string, number> = {};
    for (const name of this.streams) {
      const revision = this.#lastCommand.get(name) ?? this.#lowestRead.get(name);
      if (revision !== undefined) revisions[name] = revision;
    }
    return reportOf(this.streams, revisions, second ? "both" : source);
  }
}

function timedOut(): ServiceError {
  return new ServiceError(
    "TIMED_OUT",
    "The answer took too long; nothing was changed. Ask for less, or try again later.",
  );
}
