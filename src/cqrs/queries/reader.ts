import type { Consistency, Recheck } from "../consistency.ts";
import { ServiceError } from "../errors.ts";
import type { RedisService } from "../redis/redis-service.ts";
import type { Head } from "./head.ts";
import { ANYBODY, type LargeLists, type Lists } from "./large-lists.ts";
import type { ReadModel } from "./read-model.ts";
import type { Answer, Reads } from "./reads.ts";
import type { TableReads } from "./table-reads.ts";

/** What is asked of either store. */
type Question<T extends object, V> = (reads: Reads<T>, large: Lists) => Promise<Answer<V>>;

/** The query side's one rule: Redis first, the database whenever Redis cannot answer honestly. */
export class Reader<T extends object> {
  readonly #stream: string;
  readonly #readModel: ReadModel<T>;
  readonly #table: TableReads<T>;
  readonly #head: Head<T>;
  readonly #redis: RedisService;
  readonly #large: LargeLists;
  /** The line as rechecks see it, which are of no one request. */
  readonly #largeAgain: Lists;

  constructor(
    stream: string,
    readModel: ReadModel<T>,
    table: TableReads<T>,
    head: Head<T>,
    redis: RedisService,
    large: LargeLists,
  ) {
    this.#stream = stream;
    this.#readModel = readModel;
    this.#table = table;
    this.#head = head;
    this.#redis = redis;
    this.#large = large;
    this.#largeAgain = large.askedBy(ANYBODY);
  }

  /**
   * Asks Redis, and the database if need be, the same question.
   *
   * @throws ServiceError `SERVICE_UNAVAILABLE`, `DATABASE_UNAVAILABLE`, `REVISION_NOT_REACHED`, `TIMED_OUT`
   */
  async read<V>(consistency: Consistency, question: Question<T, V>): Promise<V> {
    consistency.requireTime();
    const atLeast = consistency.atLeast(this.#stream);
    const ask = asking(question, this.#large.askedBy(consistency));
    const answer = await this.#readModel.read(atLeast, ask);
    const askAgain = asking(question, this.#largeAgain);
    if (!answer) return this.readTable(consistency, ask, askAgain);
    return this.#show(answer, "redis", consistency, this.#recheckOf(atLeast, askAgain, answer.evidence));
  }

  #recheckOf<V>(atLeast: number, ask: (reads: Reads<T>) => Promise<Answer<V>>, evidence: Answer<V>["evidence"]) {
    return () => this.#readModel.recheck(atLeast, ask, evidence);
  }

  /** Asks the database at once, for what the read model does not hold. Throws as `read` does. */
  async readTable<V>(
    consistency: Consistency,
    ask: (table: TableReads<T>) => Promise<Answer<V>>,
    askAgain = ask,
  ): Promise<V> {
    consistency.requireTime();
    if (this.#redis.critical && (!this.#redis.connection || this.#readModel.refused)) {
      throw new ServiceError(
        "SERVICE_UNAVAILABLE",
        "Redis does not answer, and without it no query does. Try again later.",
      );
    }
    const answer = await ask(this.#table);
    this.#head.learn(answer);
    consistency.require(this.#stream, answer.revision);
    const atLeast = consistency.atLeast(this.#stream);
    const { evidence } = answer;
    // with Redis, whoever asks again is to find out whether it answers by now
    const isRepeatable = evidence !== undefined && !this.#redis.configured;
    const recheck = isRepeatable ? this.#tableRecheckOf(atLeast, askAgain, evidence) : undefined;
    return this.#show(answer, "database", consistency, recheck);
  }

  #tableRecheckOf<V>(
    atLeast: number,
    ask: (table: TableReads<T>) => Promise<Answer<V>>,
    evidence: Answer<V>["evidence"],
  ): Recheck["again"] {
    return async () => {
      const answer = await ask(this.#table);
      this.#head.learn(answer);
      return answer.evidence === evidence && answer.revision >= atLeast ? answer.revision : undefined;
    };
  }

  /** Notes an answer that is about to be shown. `recheck` may be kept for long, so it holds on to the evidence alone. */
  #show<V>(
    { revision, evidence, value }: Answer<V>,
    source: "redis" | "database",
    consistency: Consistency,
    recheck: Recheck["again"] | undefined,
  ): V {
    this.#head.show(revision);
    const again = async () => {
      const revisionNow = await recheck?.();
      if (revisionNow !== undefined) this.#head.show(revisionNow);
      return revisionNow;
    };
    const stream = this.#stream;
    consistency.read(stream, revision, source, recheck && { stream, again, size: evidence?.length ?? 0 });
    return value;
  }
}

/** A function of its own, so that a recheck, which may be kept for long, holds on to nothing of its request. */
function asking<T extends object, V>(question: Question<T, V>, large: Lists): (reads: Reads<T>) => Promise<Answer<V>> {
  return (reads) => question(reads, large);
}
