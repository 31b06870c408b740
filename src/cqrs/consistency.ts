import { ANYBODY, type Asker } from "./asker.ts";
import { OutcomeUnknown, RevisionNotReached, requestTimedOut, type ServiceError } from "./errors.ts";
import { NO_REVISIONS, type Report, type Revisions, reportOf, reportOfOne, type ServedBy } from "./revisions.ts";

/** A read that can be made again, to find out whether it would have the same answer. */
export interface ReadReplay {
  /** The stream that was read. */
  readonly stream: string;
  /**
   * Reads again under the same rules, and says at which revision, of at least `atLeast`, the same answer is true;
   * undefined if it may have become another. It rejects as a read does.
   */
  replay(atLeast: number): Promise<number | undefined>;
  /** What it has to remember for that, in characters. */
  readonly size: number;
}

/** What a request has read and written of one stream. */
interface Part {
  readonly stream: string;
  lowestRead: number | undefined;
  lastCommand: number | undefined;
}

/** What one request may take, for as long as its client is there. */
export interface RequestBounds {
  /** What all large lists that are read for it may come to together, in bytes as JSON. */
  readonly listBytes: number;
  /** What its client is told beyond that. */
  readonly tooMuch: () => ServiceError;
  readonly isGone: () => boolean;
  /** When its time is over, as `performance.now()` has it. */
  readonly lateAt?: number | undefined;
}

/**
 * One request's side of the promise: what the client asks for (`atLeast`) and what its answer turns out to be true
 * at. Handlers report each read and each command here; the HTTP layer sends the sum as `extensions.consistency`.
 */
export class Consistency {
  /** The names of all streams: what the report says depends on how many there are. */
  readonly streams: readonly string[];
  readonly asker: Asker;
  readonly #atLeast: Revisions;
  /** One for each stream, of which there are few. */
  readonly #parts: Part[] = [];
  readonly #replays: ReadReplay[] = [];
  #servedBy: ServedBy | undefined;
  #repeatable = true;
  readonly #bounds: RequestBounds | undefined;
  #listBytes = 0;
  #ended = false;
  readonly #withdrawals: (() => boolean)[] = [];
  #commandBegun = false;

  constructor(
    streams: readonly string[] = [],
    atLeast: Revisions = NO_REVISIONS,
    bounds?: RequestBounds,
    asker = ANYBODY,
  ) {
    this.streams = streams;
    this.asker = asker;
    this.#atLeast = atLeast;
    this.#bounds = bounds;
  }

  /** The revision that every answer from this stream must have reached. 0 asks for nothing. */
  atLeast(stream: string): number {
    return this.#atLeast[stream] ?? 0;
  }

  /** Notes a read that is true at `revision`, and how to make it again if there is a way. */
  read(stream: string, revision: number, source: "redis" | "database", replay?: ReadReplay): void {
    const part = this.#partOf(stream);
    part.lowestRead = Math.min(part.lowestRead ?? revision, revision);
    this.#served(source);
    if (replay) this.#replays.push(replay);
    else this.#repeatable = false;
  }

  /** Notes the revision that a command made, or at which it was refused; of several commands the last one counts. */
  command(stream: string, revision: number): void {
    this.#partOf(stream).lastCommand = revision;
    this.#served("database");
    this.#repeatable = false;
  }

  #partOf(stream: string): Part {
    for (const part of this.#parts) if (part.stream === stream) return part;
    const part: Part = { stream, lowestRead: undefined, lastCommand: undefined };
    this.#parts.push(part);
    return part;
  }

  #served(source: "redis" | "database"): void {
    this.#servedBy = this.#servedBy === undefined || this.#servedBy === source ? source : "both";
  }

  /** @throws ServiceError `REVISION_NOT_REACHED` when `revision` is older than what the client asked for. */
  require(stream: string, revision: number): void {
    const atLeast = this.atLeast(stream);
    if (revision >= atLeast) return;
    throw new RevisionNotReached(revision, this.streams.length > 1 ? stream : undefined, atLeast);
  }

  /** Whether anybody waits for what would be read. */
  get isWanted(): boolean {
    return !this.#ended && !this.isTooMuch && !this.#bounds?.isGone();
  }

  /** How long anybody waits for what is read for it, in milliseconds. */
  get msLeft(): number {
    return Math.max(0, (this.#bounds?.lateAt ?? Number.POSITIVE_INFINITY) - performance.now());
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
    if (!this.isWanted) throw requestTimedOut();
  }

  /** Notes a command that is about to begin. `withdraw` keeps it from that, and says whether it was in time. */
  beginCommand(withdraw: () => boolean): void {
    this.#withdrawals.push(withdraw);
  }

  /** Ends the request: it reads nothing more and begins no command. */
  end(): void {
    this.#ended = true;
    for (const withdraw of this.#withdrawals) if (!withdraw()) this.#commandBegun = true;
  }

  /** What the client of a request is told that ended before it had its answer. */
  get reasonOfEnd(): ServiceError {
    return this.#commandBegun ? new OutcomeUnknown(undefined) : requestTimedOut();
  }

  /** How to make everything again that the answer was made from; `undefined` when that cannot be had. */
  get replays(): readonly ReadReplay[] | undefined {
    return this.#repeatable && this.#replays.length > 0 ? this.#replays : undefined;
  }

  /** `undefined` while nothing was read or written. */
  get report(): Report | undefined {
    if (!this.#servedBy) return undefined;
    const [only] = this.#parts;
    const revisionOfOnly = only?.lastCommand ?? only?.lowestRead;
    if (only && revisionOfOnly !== undefined && this.#parts.length === 1) {
      return reportOfOne(this.streams, only.stream, revisionOfOnly, this.#servedBy);
    }
    const revisions: Record<string, number> = {};
    for (const name of this.streams) {
      const part = this.#parts.find(({ stream }) => stream === name);
      const revision = part?.lastCommand ?? part?.lowestRead;
      if (revision !== undefined) revisions[name] = revision;
    }
    return reportOf(this.streams, revisions, this.#servedBy);
  }
}
