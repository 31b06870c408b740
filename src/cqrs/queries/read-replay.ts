import type { ReadReplay } from "../consistency.ts";
import type { Counts } from "../counts.ts";
import { type ReadTrace, traced, traces } from "../tracing.ts";
import type { Head } from "./head.ts";
import type { Answer, Question } from "./reads.ts";

/** Where a stream's reads are made again: the read model, or the table where there is none. */
export interface ReplaySource<T extends object> {
  readonly servedBy: "redis" | "database";
  readonly counts: Counts;
  /** Asks as a read does, for an answer of at least `atLeast`; its value need not be there. */
  replay<V>(atLeast: number, question: Question<T, V>, trace: ReadTrace | undefined): Promise<Answer<V> | undefined>;
}

/** A read and what its answer was made from. It may be kept for long, so it holds on to nothing else of its request. */
export class StoredReadReplay<T extends object, V> implements ReadReplay {
  readonly stream: string;
  readonly #source: ReplaySource<T>;
  readonly #head: Head<T>;
  readonly #question: Question<T, V>;
  readonly #madeFrom: Answer<V>["madeFrom"];

  constructor(
    stream: string,
    source: ReplaySource<T>,
    head: Head<T>,
    question: Question<T, V>,
    madeFrom: Answer<V>["madeFrom"],
  ) {
    this.stream = stream;
    this.#source = source;
    this.#head = head;
    this.#question = question;
    this.#madeFrom = madeFrom;
  }

  get size(): number {
    return this.#madeFrom?.length ?? 0;
  }

  replay(atLeast: number): Promise<number | undefined> {
    return traced(
      traces.read,
      () => ({ stream: this.stream, isReplay: true }),
      (trace) => this.#replay(atLeast, trace),
    );
  }

  async #replay(atLeast: number, trace: ReadTrace | undefined): Promise<number | undefined> {
    const answer = await this.#source.replay(atLeast, this.#question, trace);
    if (!answer) return undefined;
    if (trace) Object.assign(trace, { answer, servedBy: this.#source.servedBy, revision: answer.revision });
    if (answer.madeFrom !== this.#madeFrom || answer.revision < atLeast) return undefined;
    this.#head.show(answer.revision);
    this.#source.counts.readsAgain[this.#source.servedBy]++;
    return answer.revision;
  }
}
