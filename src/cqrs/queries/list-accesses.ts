import { sql as expression } from "kysely";
import { type Access, accessesOf, countable, type Source } from "./list-conditions.ts";
import type { Condition } from "./list-question.ts";

/** How many rows an access leads to, counted no further than need be. */
export interface Counted {
  readonly access: Access;
  readonly count: number;
}

/** The ways to the rows that meet all of some conditions, which indexes know, in one snapshot. */
export class Accesses {
  readonly #source: Source;
  readonly #accesses: readonly Access[];
  readonly #counted = new Map<Access, { readonly count: number; readonly limit: number }>();

  constructor(source: Source, conditions: readonly Condition[]) {
    this.#source = source;
    this.#accesses = accessesOf(conditions);
  }

  /** The few values that were asked for by name, if any were: no other way is shorter. */
  get named(): Access | undefined {
    return this.#accesses
      .flatMap((access) => ("oneOf" in access ? access : []))
      .sort((a, b) => a.oneOf.length - b.oneOf.length)[0];
  }

  /** The way that leads to the fewest rows; of those that lead to more than `limit`, the first. */
  async shortest(limit: number): Promise<Counted | undefined> {
    const { named } = this;
    if (named) return { access: named, count: 0 };
    let shortest: Counted | undefined;
    for (const access of this.#accesses) {
      const count = await this.#count(access, limit);
      if (!shortest || count < shortest.count) shortest = { access, count };
    }
    return shortest;
  }

  /** How many rows it leads to, or one more than `limit`. */
  async #count(access: Access, limit: number): Promise<number> {
    const known = this.#counted.get(access);
    if (known && (known.count <= known.limit || known.limit >= limit)) return Math.min(known.count, limit + 1);
    const rows = countable(this.#source, access)
      .select(expression`1`.as("one"))
      .limit(limit + 1);
    const counted = await this.#source.sql
      .selectFrom(rows.as("counted"))
      .select(expression<number>`count(*)`.as("count"))
      .executeTakeFirstOrThrow();
    const count = Number(counted.count);
    this.#counted.set(access, { count, limit });
    return count;
  }
}
