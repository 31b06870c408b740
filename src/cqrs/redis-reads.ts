import { setImmediate as nextTurn } from "node:timers/promises";
import type DataLoader from "dataloader";
import { Chain } from "./chain.ts";
import { type Mark, parseMark } from "./mark.ts";
import { type Answer, type Page, type PageRequest, pointReads, type Reads } from "./reads.ts";
import type { RedisConnection, RedisService } from "./redis-service.ts";
import { livesAt, MARK_FIELD, type ReadModelKeys, readModelKeys } from "./scripts.ts";
import type { StreamDefinition } from "./stream.ts";

/** Redis answered, but what it holds cannot be believed. */
export class Unsound extends Error {}

/** It is of another history than this database's: of a copy, or from before a restore. */
export class ForeignHistory extends Unsound {}

/** A row as it is in Redis, and the mark of the hash that it is in. */
interface StoredRow {
  readonly mark: Mark;
  /** `null` when there is no such row. */
  readonly json: string | null;
}

/**
 * Reads of a stream's read model, under one name and over one connection only. Each is one command, so that the answer
 * and the mark that it is true at are from one moment. Evidence is the row for a point read, for others the mark.
 *
 * Every method throws `RedisUnavailable`, the server's own errors, and `Unsound`, which making a value does as well.
 */
export class RedisReads<T extends object> implements Reads<T> {
  readonly name: string;
  readonly connection: RedisConnection;
  /** The marks that these reads and the refreshes beside them have met. */
  readonly chain = new Chain();
  /** Whether the name says that it lives where the connection leads. */
  readonly isThere: boolean;
  readonly #keys: ReadModelKeys;
  readonly #key: keyof T & string;
  readonly #redis: RedisService;
  /**
   * All point reads that wait in one turn of the event loop are one command: at 64 connections that takes a third off
   * the cost of a request.
   */
  readonly #points: DataLoader<string, StoredRow>;
  /** Lists that wait in this turn, by question: several who ask the same have one answer. */
  readonly #lists = new Map<string, Promise<unknown>>();

  constructor(definition: StreamDefinition<T>, name: string, connection: RedisConnection, redis: RedisService) {
    this.name = name;
    this.connection = connection;
    this.isThere = livesAt(name, connection);
    this.#keys = readModelKeys(definition.name, name);
    this.#key = definition.key;
    this.#redis = redis;
    this.#points = pointReads((keys) => this.#rows(keys));
  }

  async get(key: string): Promise<Answer<T | null>> {
    const { mark, json } = await this.#points.load(key);
    return new StoredAnswer(mark, json, () => (json === null ? null : this.#parse(json, key)));
  }

  async all(limit: number): Promise<Answer<readonly T[] | null>> {
    const { rows, order } = this.#keys;
    return this.#together(`all ${limit}`, async () => {
      const reply = await this.#redis.call(this.connection, (redis) => redis.readAll(rows, order, limit));
      const [text, total = 0, json] = reply ?? [];
      return new StoredAnswer(soundMark(text), text, () => (total > limit ? null : this.#parseAll(json, total)));
    });
  }

  async page({ after, before, limit, backwards }: PageRequest): Promise<Answer<Page<T>>> {
    const { rows, order } = this.#keys;
    const min = after === undefined ? "-" : `(${after}`;
    const max = before === undefined ? "+" : `(${before}`;
    const bounds = [min, max, limit, backwards ? 1 : 0] as const;
    return this.#together(JSON.stringify(bounds), async () => {
      const reply = await this.#redis.call(this.connection, (redis) => redis.readPage(rows, order, ...bounds));
      const [text, total, rowsBefore = 0, size = 0, rowsAfter = 0, json] = reply ?? [];
      return new StoredAnswer(soundMark(text), text, () => ({
        rows: this.#parseAll(json, size),
        hasBefore: rowsBefore > 0,
        hasAfter: rowsAfter > 0,
        total,
      }));
    });
  }

  /** The same reads for their evidence alone: the answers have no value, and of lists nothing is sent but the mark. */
  readonly evidence: Reads<T> = {
    get: (key) => this.get(key),
    all: () => this.#mark(),
    page: () => this.#mark(),
  };

  #mark(): Promise<Answer<never>> {
    const { rows, order } = this.#keys;
    return this.#together("mark", async () => {
      const [text] = await this.#redis.call(this.connection, (redis) => redis.inspect(rows, order));
      return new StoredAnswer<never>(soundMark(text), text, () => {
        throw new TypeError("evidence has no value");
      });
    });
  }

  /** Sends the question when this turn is over, for all who have asked it by then and for nobody later. */
  #together<R>(question: string, send: () => Promise<R>): Promise<R> {
    let answer = this.#lists.get(question) as Promise<R> | undefined;
    if (!answer) {
      answer = nextTurn().then(() => {
        this.#lists.delete(question);
        return send();
      });
      this.#lists.set(question, answer);
    }
    return answer;
  }

  async #rows(keys: readonly string[]): Promise<StoredRow[]> {
    const [text, ...found] = await this.#redis.call(this.connection, (redis) =>
      redis.hmget(this.#keys.rows, MARK_FIELD, ...keys),
    );
    const mark = soundMark(text);
    return found.map((json) => ({ mark, json: json ?? null }));
  }

  #parse(json: string, key: string): T {
    const instance = parseJson(json);
    if (this.#keyOf(instance) !== key) throw new Unsound("a row is another's");
    return instance as T;
  }

  #parseAll(json: string | null | undefined, size: number): T[] {
    const instances = parseJson(json);
    if (!Array.isArray(instances) || instances.length !== size) throw new Unsound("rows are missing");
    for (const instance of instances) {
      if (typeof this.#keyOf(instance) !== "string") throw new Unsound("a row is no instance");
    }
    return instances;
  }

  #keyOf(instance: unknown): unknown {
    return (instance as T | null)?.[this.#key];
  }
}

/** An answer whose value is made when it is first asked for. */
class StoredAnswer<V> implements Answer<V> {
  readonly revision: number;
  readonly token: string;
  readonly evidence: string | null | undefined;
  readonly #make: () => V;
  #made: { readonly value: V } | undefined;

  constructor({ revision, token }: Mark, evidence: string | null | undefined, make: () => V) {
    this.revision = revision;
    this.token = token;
    this.evidence = evidence;
    this.#make = make;
  }

  get value(): V {
    this.#made ??= { value: this.#make() };
    return this.#made.value;
  }
}

/** @throws Unsound */
function parseJson(json: string | null | undefined): unknown {
  try {
    return JSON.parse(json ?? "");
  } catch {
    throw new Unsound("a row is no JSON");
  }
}

/** @throws Unsound when `text` is no mark: a hash without one never reads as "there is no such row" */
export function soundMark(text: unknown): Mark {
  const mark = parseMark(text);
  if (!mark) throw new Unsound("the mark is missing");
  return mark;
}
