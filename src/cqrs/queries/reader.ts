import type { Consistency } from "../consistency.ts";
import type { Counts } from "../counts.ts";
import { ServiceError } from "../errors.ts";
import type { RedisService } from "../redis/redis-service.ts";
import { type ReadTrace, traced, traces } from "../tracing.ts";
import type { Head } from "./head.ts";
import { ANYBODY, type LargeLists, type Lists } from "./large-lists.ts";
import type { ReadModel } from "./read-model.ts";
import { type ReplaySource, StoredReadReplay } from "./read-replay.ts";
import type { Answer, Question } from "./reads.ts";
import type { TableReads } from "./table-reads.ts";

/** What is asked of the table, which can be asked more than the read model. */
type TableQuestion<T extends object, V> = (table: TableReads<T>, large: Lists) => Promise<Answer<V>>;

/** The query side's one rule: Redis first, the database whenever Redis cannot answer honestly. */
export class Reader<T extends object> {
  readonly #stream: string;
  readonly #readModel: ReadModel<T>;
  readonly #table: TableReads<T>;
  readonly #head: Head<T>;
  readonly #redis: RedisService;
  readonly #large: LargeLists;
  readonly #counts: Counts;
  /** Where reads are made again: where they were made the first time. */
  readonly #replaySource: { readonly redis: ReplaySource<T>; readonly database: ReplaySource<T> };

  constructor(
    stream: string,
    readModel: ReadModel<T>,
    table: TableReads<T>,
    head: Head<T>,
    redis: RedisService,
    large: LargeLists,
    counts: Counts,
  ) {
    this.#stream = stream;
    this.#readModel = readModel;
    this.#table = table;
    this.#head = head;
    this.#redis = redis;
    this.#large = large;
    this.#counts = counts;
    const anybody = large.askedBy(ANYBODY);
    this.#replaySource = {
      redis: {
        servedBy: "redis",
        counts,
        replay: (atLeast, question, trace) => readModel.replay(atLeast, question, anybody, trace),
      },
      database: {
        servedBy: "database",
        counts,
        replay: (_, question) => this.#ask(table.forReplay, question, anybody),
      },
    };
  }

  /**
   * Asks Redis, and the database if need be, the same question.
   *
   * @throws ServiceError `SERVICE_UNAVAILABLE`, `DATABASE_UNAVAILABLE`, `REVISION_NOT_REACHED`, `TIMED_OUT`
   */
  read<V>(consistency: Consistency, question: Question<T, V>): Promise<V> {
    return this.#traced((trace) => this.#read(consistency, question, trace));
  }

  /** Asks the database at once, for what the read model does not hold. Throws as `read` does. */
  readTable<V>(consistency: Consistency, question: TableQuestion<T, V>): Promise<V> {
    return this.#traced((trace) => this.#readTable(consistency, question, trace));
  }

  #traced<V>(read: (trace: ReadTrace | undefined) => Promise<V>): Promise<V> {
    return traced(traces.read, () => ({ stream: this.#stream, isReplay: false }), read);
  }

  async #read<V>(consistency: Consistency, question: Question<T, V>, trace: ReadTrace | undefined): Promise<V> {
    consistency.requireTime();
    const large = this.#large.askedBy(consistency);
    const answer = await this.#readModel.read(consistency.atLeast(this.#stream), question, large, trace);
    if (!answer) return this.#readTable(consistency, question, trace);
    return this.#show(answer, "redis", consistency, question, trace);
  }

  async #readTable<V>(
    consistency: Consistency,
    question: TableQuestion<T, V>,
    trace: ReadTrace | undefined,
  ): Promise<V> {
    consistency.requireTime();
    if (this.#redis.critical && (!this.#redis.connection || this.#readModel.refused)) {
      throw new ServiceError(
        "SERVICE_UNAVAILABLE",
        "Redis does not answer, and without it no query does. Try again later.",
      );
    }
    const answer = await this.#ask(this.#table, question, this.#large.askedBy(consistency));
    consistency.require(this.#stream, answer.revision);
    // with Redis, whoever asks again is to find out whether it answers by now
    const isRepeatable = answer.madeFrom !== undefined && !this.#redis.configured;
    return this.#show(answer, "database", consistency, isRepeatable ? question : undefined, trace);
  }

  async #ask<R, V>(
    reads: R,
    question: (reads: R, large: Lists) => Promise<Answer<V>>,
    large: Lists,
  ): Promise<Answer<V>> {
    const answer = await question(reads, large);
    this.#head.learn(answer);
    return answer;
  }

  /** Notes an answer that is about to be shown, and how it can be replayed if `question` can be asked again. */
  #show<V>(
    answer: Answer<V>,
    source: "redis" | "database",
    consistency: Consistency,
    question: TableQuestion<T, V> | undefined,
    trace: ReadTrace | undefined,
  ): V {
    const { revision, madeFrom, value } = answer;
    if (trace) Object.assign(trace, { answer, servedBy: source, revision });
    this.#head.show(revision);
    this.#counts.reads[source]++;
    // it is asked again where it was asked, and the table answers all questions
    const again = question as Question<T, V> | undefined;
    const replay = again && new StoredReadReplay(this.#stream, this.#replaySource[source], this.#head, again, madeFrom);
    consistency.read(this.#stream, revision, source, replay);
    return value;
  }
}
