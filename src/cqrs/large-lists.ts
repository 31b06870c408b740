import { setImmediate as nextTurn } from "node:timers/promises";
import { ServiceError } from "./errors.ts";

/** To be awaited between two portions. */
export type Turn = () => Promise<void>;

/** Reads a list portion by portion. */
type Fetch<R> = (turn: Turn) => Promise<R>;

interface Waiting {
  readonly answer: Promise<unknown>;
  readonly bytes: number;
}

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

  /** As `read`, if `question` is known to be large because it is being read or waits; else undefined. */
  join<R>(question: string, fetch: Fetch<R>): Promise<R> | undefined {
    const known = this.#waiting.get(question) ?? (this.#reading?.question === question ? this.#reading : undefined);
    return known && this.read(question, known.bytes, fetch);
  }

  /**
   * Waits for the answer to `question`, which `fetch` reads unless it is waited for already.
   *
   * @param bytes - what the answer will take, roughly
   * @throws ServiceError `SERVICE_UNAVAILABLE` when too much is waited for; what `fetch` throws
   */
  async read<R>(question: string, bytes: number, fetch: Fetch<R>): Promise<R> {
    if (this.#bytes > 0 && this.#bytes + bytes > this.#mostBytes) {
      throw new ServiceError("SERVICE_UNAVAILABLE", "Too many large lists are being read. Try again later.");
    }
    let waiting = this.#waiting.get(question);
    if (!waiting) {
      const answer = this.#line.then(nextTurn).then(() => {
        this.#waiting.delete(question);
        this.#reading = { question, bytes };
        return fetch(turn);
      });
      const over = () => {
        this.#reading = undefined;
      };
      this.#line = answer.then(over, over);
      waiting = { answer, bytes };
      this.#waiting.set(question, waiting);
    }
    this.#bytes += bytes;
    try {
      return (await waiting.answer) as R;
    } finally {
      // to make an answer of a list takes long, so those who share one have a turn each
      this.#handedOut = this.#handedOut.then(() => nextTurn());
      await this.#handedOut;
      this.#bytes -= bytes;
    }
  }
}

/** Lets others have theirs. Whether anybody still wants the list is to be asked here. */
async function turn(): Promise<void> {
  await nextTurn();
}
