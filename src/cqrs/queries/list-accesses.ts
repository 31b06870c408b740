import { sql as expression } from "kysely";
import type { Sql } from "../database/engine.ts";
import { type Access, allHold, type HasWords, isAccess } from "./list-conditions.ts";
import type { ListQuestion } from "./list-question.ts";

/** How many rows an access leads to, counted no further than need be. */
export interface Counted {
  readonly access: Access;
  readonly count: number;
}

/** The ways to the rows of a question that an index of one of its conditions knows, in one snapshot. */
export class Accesses {
  readonly #sql: Sql;
  readonly #table: string;
  readonly #accesses: readonly Access[];
  readonly #hasWords: HasWords;
  readonly #counted = new Map<Access, { readonly count: number; readonly limit: number }>();

  constructor(sql: Sql, table: string, { conditions }: ListQuestion, hasWords: HasWords) {
    this.#sql = sql;
    this.#table = table;
    this.#hasWords = hasWords;
    this.#accesses = conditions.filter(isAccess);
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
    const rows = this.#sql
      .selectFrom(this.#table)
      .select(expression`1`.as("one"))
      .where(allHold([access], this.#hasWords))
      .limit(limit + 1);
    const counted = await this.#sql
      .selectFrom(rows.as("counted"))
      .select(expression<number>`count(*)`.as("count"))
      .executeTakeFirstOrThrow();
    const count = Number(counted.count);
    this.#counted.set(access, { count, limit });
    return count;
  }
}
