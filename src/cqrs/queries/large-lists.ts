import { setImmediate as nextTurn } from "node:timers/promises";
import { ServiceError } from "../errors.ts";

/**
 * To be awaited between two portions, with the bytes that have come so far. It throws what is to be said to nobody, when
 * nobody wants the list any more.
 */
export type Turn = (bytes: number) => Promise<void>;

/** Who asks for lists: one request. */
export interface Asker {
  readonly isWanted: boolean;
  /** How long it waits, in milliseconds. */
  readonly msLeft: number;
  /** Counts what has come. */
  take(bytes: number): void;
  /** Throws when it is not wanted. */
  requireTime(): void;
}

/** Reads a list portion by portion. */
type Fetch<R> = (turn: Turn) => Promise<R>;

/** The line as one request sees it. */
export interface Lists {
  /** As `read`, if `question` is known to be large because it is being read or waits; else undefined. */
  join<R>(question: string, fetch: Fetch<R>): Promise<R> | undefined;
  /**
   * Waits for the answer to `question`, which `fetch` reads unless it is waited for already.
   *
   * @param bytes - what the answer will take, roughly
   * @throws ServiceError `SERVICE_UNAVAILABLE` when too much is waited for; what the asker's bounds say, or its
   * `TIMED_OUT`; what `fetch` throws
   */
  read<R>(question: string, bytes: number, fetch: Fetch<R>): Promise<R>;
  /** Counts what has come of a list that is read without standing in the line. */
  take(bytes: number): void;
  /** Throws when whoever asks does not want an answer any more. */
  requireTime(): void;
  /** How long whoever asks waits, in milliseconds. */
  readonly msLeft: number;
}

interface Waiting {
  readonly answer: Promise<unknown>;
  readonly bytes: number;
  readonly askers: Asker[];
}

/** Whoever sends an answer again. */
export const ANYBODY: Asker = { isWanted: true, msLeft: Number.POSITIVE_INFINITY, take() {}, requireTime() {} };

/**
 * The line in which lists stand that are too large for one command: one is read at a time, in portions between which
 * others have their turn. All who ask the same before it is read have one answer; none joins a read that has begun.
 */
export class LargeLists {
  readonly #mostBytes: number;
  #bytes = 0;
  #line: Promise<unknown> = Promise.resolve();
  #handedOut: Promise<unknown> = Promise.resolve();
  readonly #waiting = new Map<string, Waiting>();
  #reading: { readonly question: string; readonly bytes: number } | undefined;

  /** What all answers that are waited for may come to together, in bytes; one alone may always wait. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  askedBy(asker: Asker): Lists {
    return new AskedLists(this, asker);
  }

  /** What `question` takes, if it waits or is being read. */
  bytesOf(question: string): number | undefined {
    return (
      this.#waiting.get(question)?.bytes ?? (this.#reading?.question === question ? this.#reading.bytes : undefined)
    );
  }

  /** See {@link Lists.read}. */
  async read<R>(question: string, bytes: number, fetch: Fetch<R>, asker: Asker): Promise<R> {
    if (this.#bytes > 0 && this.#bytes + bytes > this.#mostBytes) {
      throw new ServiceError("SERVICE_UNAVAILABLE", "Too many large lists are being read. Try again later.");
    }
    let waiting = this.#waiting.get(question);
    if (!waiting) {
      const askers: Asker[] = [];
      const turn = turnFor(askers);
      const answer = this.#line.then(nextTurn).then(() => {
        this.#waiting.delete(question);
        this.#reading = { question, bytes };
        requireAny(askers);
        return fetch(turn);
      });
      const over = () => {
        this.#reading = undefined;
      };
      this.#line = answer.then(over, over);
      waiting = { answer, bytes, askers };
      this.#waiting.set(question, waiting);
    }
    waiting.askers.push(asker);
    this.#bytes += bytes;
    try {
      const answer = (await waiting.answer) as R;
      asker.requireTime();
      return answer;
    } finally {
      // to make an answer of a list takes long, so those who share one have a turn each
      this.#handedOut = this.#handedOut.then(() => nextTurn());
      await this.#handedOut;
      this.#bytes -= bytes;
    }
  }
}

/** Made for each read, most of which are of no list at all. */
class AskedLists implements Lists {
  readonly #line: LargeLists;
  readonly #asker: Asker;

  constructor(line: LargeLists, asker: Asker) {
    this.#line = line;
    this.#asker = asker;
  }

  join<R>(question: string, fetch: Fetch<R>): Promise<R> | undefined {
    const bytes = this.#line.bytesOf(question);
    return bytes === undefined ? undefined : this.#line.read(question, bytes, fetch, this.#asker);
  }

  read<R>(question: string, bytes: number, fetch: Fetch<R>): Promise<R> {
    return this.#line.read(question, bytes, fetch, this.#asker);
  }

  take(bytes: number): void {
    this.#asker.take(bytes);
  }

  requireTime(): void {
    this.#asker.requireTime();
  }

  get msLeft(): number {
    return this.#asker.msLeft;
  }
}

/** Lets others have their turn, and reads on if any of the askers still wants it. */
function turnFor(askers: readonly Asker[]): Turn {
  // a list that is begun anew is counted once
  let most = 0;
  return async (bytes) => {
    for (const asker of askers) asker.take(Math.max(0, bytes - most));
    most = Math.max(most, bytes);
    await nextTurn();
    requireAny(askers);
  };
}

function requireAny(askers: readonly Asker[]): void {
  if (!askers.some(({ isWanted }) => isWanted)) askers[0]?.requireTime();
}
