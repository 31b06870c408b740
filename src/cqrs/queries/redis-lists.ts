import { setImmediate as nextTurn } from "node:timers/promises";
import type { Mark } from "../mark.ts";
import { RedisUnavailable } from "../redis/redis-fault.ts";
import type { PortionReply } from "../redis/scripted-redis.ts";
import type { Lists, Turn } from "./large-lists.ts";
import type { Answer } from "./reads.ts";

/** What one command sends of a list: Redis, the way there and the parser have it done in a few milliseconds. */
export const PORTION_BYTES = 256_000;
/** How often a list of several portions is begun, if the mark moves on before the last is read. */
const ATTEMPTS = 3;

/** A list of which the first portion has been read. */
export interface BegunList {
  readonly mark: Mark;
  /** The mark as it is in Redis. */
  readonly text: string | null | undefined;
  /** Rows of the whole stream, and those of the list: the ranks from `first` to before `stop`. */
  readonly total: number;
  readonly first: number;
  readonly stop: number;
  readonly portion: Readonly<PortionReply>;
}

/** A list that is asked for. */
interface Question<T, V> {
  /** The same for the same question. */
  readonly text: string;
  readonly mostBytes: number;
  /** Reads the first portion. */
  readonly begin: () => Promise<BegunList>;
  /** Makes the value from the rows; there are none if they take more than `mostBytes`. */
  readonly toValue: (list: BegunList, rows: T[] | undefined) => V;
}

/** The rows from rank `first` to before `stop`, as far as they fit, or nothing if the mark is another. */
type ReadOn = (mark: string, first: number, stop: number, bytes: number) => Promise<PortionReply | null>;
type Parse<T> = (portion: Readonly<PortionReply>) => T[];

/**
 * Reads lists: as one command where that sends the whole list, and else in portions. Those count if all of them have the
 * same mark: it names one state, and never comes back to stand for another, so that they are all of that state, whatever
 * happened between them. Nor is that state too old for those who came to wait after the first: the last was read later.
 */
export class RedisLists<T> {
  readonly #id: string;
  readonly #readOn: ReadOn;
  readonly #parse: Parse<T>;
  /** Questions that wait in this turn: several who ask the same have one answer. */
  readonly #asked = new Map<string, Promise<unknown>>();
  /** The list that was found to take more than it may, and the mark at which it does. */
  #tooLarge: { readonly question: string; readonly mark: BegunList["text"] } | undefined;

  /** `id` tells these lists from those of other read models and connections. */
  constructor(id: string, readOn: ReadOn, parse: Parse<T>) {
    this.#id = id;
    this.#readOn = readOn;
    this.#parse = parse;
  }

  /** Answers the question, in its turn among the `large` ones if it is one. */
  async read<V>(large: Lists, question: Question<T, V>): Promise<Answer<V>> {
    const id = `${this.#id} ${question.text}`;
    const joined = large.join(id, async (turn) => this.#whole(question, await question.begin(), turn));
    if (joined) return joined;
    const { begun, answer } = await this.together(question.text, () => this.#begin(question));
    if (answer) return answer;
    const [size = 1, bytes = 0] = begun.portion;
    const estimate = Math.min(question.mostBytes, (bytes / size) * (begun.stop - begun.first));
    return large.read(id, estimate, (turn) => this.#whole(question, begun, turn));
  }

  /** Sends the question when this turn is over, for all who have asked it by then and for nobody later. */
  together<R>(question: string, send: () => Promise<R>): Promise<R> {
    let answer = this.#asked.get(question) as Promise<R> | undefined;
    if (!answer) {
      answer = nextTurn().then(() => {
        this.#asked.delete(question);
        return send();
      });
      this.#asked.set(question, answer);
    }
    return answer;
  }

  /** Reads the first portion, and answers if that is all there is or all that need be known. */
  async #begin<V>({ text, mostBytes, begin, toValue }: Question<T, V>) {
    const begun = await begin();
    const [size = 0, bytes = 0] = begun.portion;
    const isTooLarge = bytes > mostBytes || (this.#tooLarge?.question === text && this.#tooLarge.mark === begun.text);
    if (size < begun.stop - begun.first && !isTooLarge) return { begun };
    const make = () => toValue(begun, isTooLarge ? undefined : this.#parse(begun.portion));
    return { begun, answer: new StoredAnswer(begun.mark, begun.text, make) };
  }

  async #whole<V>({ text, mostBytes, begin, toValue }: Question<T, V>, first: BegunList, turn: Turn) {
    let begun = first;
    for (let attempt = 1; ; attempt++) {
      const found = await this.#portions(begun, mostBytes, turn);
      if (found) {
        if (found === "too large") this.#tooLarge = { question: text, mark: begun.text };
        const list = begun;
        return new StoredAnswer(list.mark, list.text, () => toValue(list, found === "too large" ? undefined : found));
      }
      // under so many writes only a snapshot holds still: the table has one
      if (attempt === ATTEMPTS) throw new RedisUnavailable("the list changed while it was read");
      begun = await begin();
    }
  }

  /** All rows of a list, or nothing if the mark moves on meanwhile. */
  async #portions({ text, first, stop, portion }: BegunList, mostBytes: number, turn: Turn) {
    const found: T[] = [];
    let taken = 0;
    for (let next: Readonly<PortionReply> | null = portion; next; ) {
      const [, bytes = 0] = next;
      taken += bytes;
      if (taken > mostBytes) return "too large";
      found.push(...this.#parse(next));
      if (found.length >= stop - first) return found;
      await turn(taken);
      next = await this.#readOn(text ?? "", first + found.length, stop, PORTION_BYTES);
    }
    return undefined;
  }
}

/** An answer whose value is made when it is first asked for. */
export class StoredAnswer<V> implements Answer<V> {
  readonly revision: number;
  readonly token: string;
  readonly madeFrom: string | null | undefined;
  readonly #make: () => V;
  #made: { readonly value: V } | undefined;

  constructor({ revision, token }: Mark, madeFrom: string | null | undefined, make: () => V) {
    this.revision = revision;
    this.token = token;
    this.madeFrom = madeFrom;
    this.#make = make;
  }

  get value(): V {
    this.#made ??= { value: this.#make() };
    return this.#made.value;
  }
}
