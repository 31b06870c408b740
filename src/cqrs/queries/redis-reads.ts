import type DataLoader from "dataloader";
import { isBefore } from "../code-points.ts";
import { type Mark, parseMark } from "../mark.ts";
import { MARK_FIELD, memberOf, type ReadModelKeys, readModelKeys } from "../redis/keys.ts";
import { livesAt } from "../redis/read-model-name.ts";
import type { RedisConnection } from "../redis/redis-connection.ts";
import type { RedisService } from "../redis/redis-service.ts";
import type { PortionReply, ScriptedRedis } from "../redis/scripted-redis.ts";
import type { StreamDefinition } from "../stream.ts";
import { Chain } from "./chain.ts";
import type { Lists } from "./large-lists.ts";
import { type Answer, type ListLimits, type Page, type PageRequest, pointReads, type Reads } from "./reads.ts";
import { type BegunList, PORTION_BYTES, RedisLists, StoredAnswer } from "./redis-lists.ts";
import { Garbled, Unsound } from "./unsound.ts";

/**
 * Reads of a stream's read model, under one name and over one connection only. Each is one command, so that the answer
 * and the mark that it is true at are from one moment; of large lists see {@link RedisLists}. What a replay compares is the
 * row for a point read, for others the mark.
 *
 * Every method throws `RedisUnavailable`, the server's own errors, and `Unsound`, which making a value does as well.
 */
export class RedisReads<T extends object> implements Reads<T> {
  readonly name: string;
  readonly connection: RedisConnection;
  /** The marks that these reads and the refreshes beside them have met. */
  readonly chain = new Chain();
  /** Whether the name says that it lives where the connection leads, in the format of this version. */
  readonly isThere: boolean;
  readonly #keys: ReadModelKeys;
  readonly #key: keyof T & string;
  readonly #memberOf: (key: string) => string;
  readonly #isInstance: (value: unknown) => value is T;
  readonly #redis: RedisService;
  /**
   * All point reads that wait in one turn of the event loop are one command: at 64 connections that takes a third off
   * the cost of a request.
   */
  readonly #points: DataLoader<string, Answer<T | null>>;
  readonly #lists: RedisLists<T>;

  constructor(
    definition: StreamDefinition<T>,
    isInstance: (value: unknown) => value is T,
    name: string,
    connection: RedisConnection,
    redis: RedisService,
  ) {
    this.#isInstance = isInstance;
    this.name = name;
    this.connection = connection;
    this.isThere = livesAt(name, connection, definition.format.version);
    this.#keys = readModelKeys(definition.name, name);
    this.#key = definition.key;
    this.#memberOf = (key) => memberOf(definition.order?.of, key);
    this.#redis = redis;
    this.#points = pointReads("redis", (keys) => this.#rows(keys));
    this.#lists = new RedisLists(
      `${this.#keys.rows} ${connection.readyAt}`,
      (...range) => this.#call(({ rows, order }, redis) => redis.readOn(rows, order, ...range)),
      (portion) => this.#parseAll(portion),
    );
  }

  get(key: string): Promise<Answer<T | null>> {
    return this.#points.load(key);
  }

  async all({ rows: limit, bytes }: ListLimits, large: Lists): Promise<Answer<readonly T[] | keyof ListLimits>> {
    const begin = async () => {
      const reply = await this.#call(({ rows, order }, redis) => redis.readAll(rows, order, limit, PORTION_BYTES));
      const [text, total = 0, ...portion] = reply ?? [];
      return total > limit ? begun(text, total, 0, 0, [0, 0, "[]"]) : begun(text, total, 0, total, portion);
    };
    return this.#lists.read<readonly T[] | keyof ListLimits>(large, {
      text: `all ${limit} ${bytes}`,
      mostBytes: bytes,
      begin,
      toValue: ({ total }, found) => (total > limit ? "rows" : (found ?? "bytes")),
    });
  }

  async page({ after, before, limit, backwards }: PageRequest, large: Lists): Promise<Answer<Page<T>>> {
    const bound = (key: string | undefined) => (key === undefined ? "" : this.#memberOf(key));
    const range = [bound(after), bound(before), limit, backwards ? 1 : 0] as const;
    const begin = async () => {
      const reply = await this.#call(({ rows, order }, redis) => redis.readPage(rows, order, ...range, PORTION_BYTES));
      const [text, total = 0, first = 0, stop = 0, ...portion] = reply ?? [];
      return begun(text, total, first, stop, portion);
    };
    return this.#lists.read<Page<T>>(large, {
      text: JSON.stringify(range),
      mostBytes: Infinity,
      begin,
      toValue: ({ total, first, stop }, rows = []) => ({ rows, hasBefore: first > 0, hasAfter: stop < total, total }),
    });
  }

  /** The same reads for replays: nobody asks for the values, and of lists nothing is sent but the mark. */
  readonly forReplay: Reads<T> = {
    get: (key) => this.get(key),
    all: () => this.#mark(),
    page: () => this.#mark(),
  };

  #mark(): Promise<Answer<never>> {
    return this.#lists.together("mark", async () => {
      const [text] = await this.#call(({ rows, order }, redis) => redis.inspect(rows, order));
      return new StoredAnswer<never>(soundMark(text), text, () => {
        throw new TypeError("a replay makes no value");
      });
    });
  }

  #call<R>(send: (keys: ReadModelKeys, redis: ScriptedRedis) => Promise<R>): Promise<R> {
    return this.#redis.call(this.connection, (redis) => send(this.#keys, redis));
  }

  async #rows(keys: readonly string[]): Promise<Answer<T | null>[]> {
    const [text, ...found] = await this.#call(({ rows }, redis) => redis.hmget(rows, MARK_FIELD, ...keys));
    const mark = soundMark(text);
    return keys.map((key, i) => {
      const json = found[i] ?? null;
      return new StoredAnswer(mark, json, () => (json === null ? null : this.#parse(json, key)));
    });
  }

  #parse(json: string, key: string): T {
    const instance = parseJson(json);
    if (!this.#isInstance(instance)) throw new Garbled("a row is no instance");
    if (instance[this.#key] !== key) throw new Garbled("a row is another's");
    return instance;
  }

  #parseAll([size = 0, , json, firstMember, lastMember]: Readonly<PortionReply>): T[] {
    const instances = parseJson(json);
    if (!Array.isArray(instances) || instances.length !== size) throw new Garbled("rows are missing");
    let last: string | undefined;
    for (const instance of instances) {
      if (!this.#isInstance(instance)) throw new Garbled("a row is no instance");
      const member = this.#memberOf(String(instance[this.#key]));
      // members that ascend from the first to the last of the portion are those of its rows: each is in one place only
      if (last === undefined ? member !== firstMember : !isBefore(last, member))
        throw new Garbled("a row is another's");
      last = member;
    }
    if (size > 0 && last !== lastMember) throw new Garbled("a row is another's");
    return instances;
  }
}

/** @throws Unsound when it has no mark, Garbled when rows are missing */
function begun(
  text: string | null | undefined,
  total: number,
  first: number,
  stop: number,
  portion: Readonly<PortionReply>,
): BegunList {
  const mark = soundMark(text);
  if (first < stop && !portion[0]) throw new Garbled("a row is missing");
  return { mark, text, total, first, stop, portion };
}

/** @throws Garbled */
function parseJson(json: string | null | undefined): unknown {
  try {
    return JSON.parse(json ?? "");
  } catch {
    throw new Garbled("a row is no JSON");
  }
}

/** @throws Unsound when `text` is no mark: a hash without one never reads as "there is no such row" */
export function soundMark(text: unknown): Mark {
  const mark = parseMark(text);
  if (!mark) throw new Unsound("the mark is missing");
  return mark;
}
