import type { Consistency } from "./consistency.ts";
import { ServiceError } from "./errors.ts";
import type { Head } from "./head.ts";
import type { ReadModel } from "./read-model.ts";
import type { Answer, Reads } from "./reads.ts";
import type { RedisService } from "./redis-service.ts";
import type { TableReads } from "./table-reads.ts";

/** The query side's one rule: Redis first, the database whenever Redis cannot answer honestly. */
export class Reader<T extends object> {
  readonly #readModel: ReadModel<T>;
  readonly #table: TableReads<T>;
  readonly #head: Head<T>;
  readonly #redis: RedisService;

  constructor(readModel: ReadModel<T>, table: TableReads<T>, head: Head<T>, redis: RedisService) {
    this.#readModel = readModel;
    this.#table = table;
    this.#head = head;
    this.#redis = redis;
  }

  /**
   * Asks Redis, and the database if need be, the same question.
   *
   * @throws ServiceError `SERVICE_UNAVAILABLE`, `DATABASE_UNAVAILABLE`, `REVISION_NOT_REACHED`
   */
  async read<V>(consistency: Consistency, ask: (reads: Reads<T>) => Promise<Answer<V>>): Promise<V> {
    const answer = await this.#readModel.read(consistency.atLeast, ask);
    if (!answer) return this.readTable(consistency, ask);
    this.#head.advance(answer.revision);
    const { atLeast } = consistency;
    const { revision, evidence, value } = answer;
    // it may be kept for long, so it holds on to the evidence alone
    const again = () => this.#recheck(atLeast, ask, evidence);
    consistency.read(revision, "redis", { again, size: evidence?.length ?? 0 });
    return value;
  }

  /** A read like any other, which ends before a value is made. It asks Redis only: whoever wants a value reads. */
  async #recheck<V>(
    atLeast: number,
    ask: (reads: Reads<T>) => Promise<Answer<V>>,
    evidence: Answer<V>["evidence"],
  ): Promise<number | undefined> {
    const revision = await this.#readModel.recheck(atLeast, ask, evidence);
    if (revision !== undefined) this.#head.advance(revision);
    return revision;
  }

  /** Asks the database at once, for what the read model does not hold. Throws as `read` does. */
  async readTable<V>(consistency: Consistency, ask: (table: TableReads<T>) => Promise<Answer<V>>): Promise<V> {
    if (this.#redis.critical && !this.#redis.connection) {
      throw new ServiceError(
        "SERVICE_UNAVAILABLE",
        "Redis does not answer, and without it no query does. Try again later.",
      );
    }
    const answer = await ask(this.#table);
    consistency.require(answer.revision);
    this.#head.advance(answer.revision);
    const { revision, evidence, value } = answer;
    const { atLeast } = consistency;
    // with Redis, whoever asks again is to find out whether it answers by now
    const isRepeatable = evidence !== undefined && !this.#redis.configured;
    const again = () => this.#recheckTable(atLeast, ask, evidence);
    consistency.read(revision, "database", isRepeatable ? { again, size: evidence?.length ?? 0 } : undefined);
    return value;
  }

  async #recheckTable<V>(
    atLeast: number,
    ask: (table: TableReads<T>) => Promise<Answer<V>>,
    evidence: Answer<V>["evidence"],
  ): Promise<number | undefined> {
    const answer = await ask(this.#table);
    if (answer.evidence !== evidence || answer.revision < atLeast) return undefined;
    this.#head.advance(answer.revision);
    return answer.revision;
  }
}
