import { sql as expression } from "kysely";
import type { WordDemand } from "../database/word-index.ts";
import type { Source } from "./list-conditions.ts";
import { idsOf } from "./list-facets.ts";
import { COUNTED, type Condition, type OneOf } from "./list-question.ts";
import {
  type Access,
  accessesOf,
  isInIdOrder,
  isLong,
  rowsBy,
  type Single,
  type Together,
  toldBeside,
} from "./list-ways.ts";
import type { Select } from "./table-rows.ts";

/** The ids of a range of so many rows are quickly sorted, to be held against those that another way leads to. */
const BROAD = 150_000;
/** Who counts further than before counts further still. */
const AHEAD = 4;

/** How many rows an access leads to, counted no further than need be. */
export interface Counted {
  readonly access: Access;
  readonly count: number;
}

/** The ways to the rows that meet all of some conditions, which indexes know, in one snapshot. */
export class Accesses {
  readonly #source: Source;
  readonly #accesses: readonly Single[];
  readonly #counted = new Map<Access, Counted & { readonly limit: number }>();
  #together: Promise<Access | undefined> | undefined;

  constructor(source: Source, conditions: readonly Condition[]) {
    this.#source = source;
    this.#accesses = accessesOf(conditions);
  }

  /** The few values that were asked for by name, if any were: no other way is shorter. */
  get named(): OneOf | undefined {
    return this.#accesses
      .flatMap((access) => ("oneOf" in access ? access : []))
      .sort((a, b) => a.oneOf.length - b.oneOf.length)[0];
  }

  /** The way there is, if it is the only one. */
  get only(): Single | undefined {
    return this.#accesses.length === 1 ? this.#accesses[0] : undefined;
  }

  /** The way by words, if any are said. */
  get words(): WordDemand | undefined {
    return this.#accesses.find((access) => "all" in access);
  }

  /** The way that leads to the fewest rows; of those that lead to more than `limit`, the first. */
  async shortest(limit: number): Promise<Counted | undefined> {
    const { named } = this;
    if (named) return { access: named, count: 0 };
    let shortest: Counted | undefined;
    for (const access of this.#accesses) {
      const counted = await this.#count(access, limit);
      if (!shortest || counted.count < shortest.count) shortest = counted;
    }
    return shortest;
  }

  /** Whether ways are held against each other by ids, without a look at rows; else the database does as it thinks best. */
  get areMerged(): boolean {
    return this.#source.words.isInOrder;
  }

  /** All ways at once that are quickly held against each other; undefined where there are none of that kind. */
  get together(): Promise<Access | undefined> {
    this.#together ??= this.#allTogether();
    return this.#together;
  }

  /** The same, and to how many rows that leads. */
  async shortestTogether(limit: number): Promise<Counted | undefined> {
    const access = await this.together;
    return access && this.#count(access, limit);
  }

  /** Those that lead to rows in the order of their ids are merged; where the database knows its ways best, all are. */
  async #allTogether(): Promise<Access | undefined> {
    const ways = this.#accesses.flatMap((access) => ("oneOf" in access ? [] : access));
    const told = toldBeside(this.#source, ways)?.told;
    const together: Exclude<Single, OneOf>[] = [];
    for (const access of ways) {
      const isQuick = !this.areMerged || isInIdOrder(access) || told?.has(access);
      if (isQuick || (await this.#count(access, BROAD)).count <= BROAD) together.push(access);
    }
    return together.length > 1 ? { together } : together[0];
  }

  /** To how many rows it leads, or one more than `limit`; by itself, or by the ids of the rows, if these are few. */
  async #count(access: Access, limit: number): Promise<Counted> {
    const known = this.#counted.get(access);
    if (known && (known.count <= known.limit || known.limit >= limit)) {
      return { access: known.access, count: Math.min(known.count, limit + 1) };
    }
    const most = Math.max(limit, AHEAD * (known?.limit ?? 0));
    const rows = rowsBy(this.#source, access, [], { limit: most + 1 });
    const counted =
      isLong(access) && most <= COUNTED ? await this.#listed(access, rows, most) : await this.#counting(access, rows);
    this.#counted.set(access, { ...counted, limit: most });
    return { ...counted, count: Math.min(counted.count, limit + 1) };
  }

  /** By itself, and to how many rows of the statement it leads. */
  async #counting(access: Access, rows: Select): Promise<Counted> {
    const { count } = await this.#source.sql
      .selectFrom(rows.as("counted"))
      .select(expression<number>`count(*)`.as("count"))
      .executeTakeFirstOrThrow();
    return { access, count: Number(count) };
  }

  /** The same, but by the ids if these are few, for whoever wants the rows next: to be led to them again would take as long. */
  async #listed(by: WordDemand | Together, rows: Select, most: number): Promise<Counted> {
    const ids = await idsOf(this.#source, rows);
    return { access: ids.length <= most ? { ids, by } : by, count: ids.length };
  }
}
