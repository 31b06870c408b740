import { type CompiledQuery, sql as expression } from "kysely";
import type { Sql } from "../database/engine.ts";
import type { Lists, Turn } from "./large-lists.ts";
import type { Answer, ListLimits } from "./reads.ts";
import type { TablePortions } from "./table-portions.ts";
import { type Joined, PORTION, type TableRows } from "./table-rows.ts";

/**
 * The whole table in one answer: by one statement if that is quickly done, else in portions from a snapshot with a
 * connection of its own.
 */
export class TableLists<T extends object> {
  readonly #rows: TableRows<T>;
  readonly #portions: TablePortions<T>;
  /** The statement for the beginning of a list. To compile it costs more than to run it. */
  #beginning: CompiledQuery<Joined> | undefined;
  /** The list that was found to take more bytes than it may, and the state in which it does. */
  #tooLarge: { readonly question: string; readonly token: string } | undefined;

  constructor(rows: TableRows<T>, portions: TablePortions<T>) {
    this.#rows = rows;
    this.#portions = portions;
  }

  async all(limits: ListLimits, large: Lists): Promise<Answer<readonly T[] | keyof ListLimits>> {
    const question = `${this.#rows.table} ${limits.rows} ${limits.bytes}`;
    const readOn = async (turn: Turn) => {
      const answer = await this.#allInPortions(limits, turn);
      if (answer.value === "bytes") this.#tooLarge = { question, token: answer.token };
      return answer;
    };
    const joined = large.join(question, readOn);
    if (joined) return joined;
    const { rows, instances, mark } = await this.#rows.find((sql) => this.#begin(sql, limits));
    const total = Number(rows[0]?.$total);
    const bytes = this.#portions.measure(instances);
    if (total > limits.rows) return { value: "rows", ...mark };
    const isTooLarge = this.#tooLarge?.question === question && this.#tooLarge.token === mark.token;
    if (bytes > limits.bytes || isTooLarge) return { value: "bytes", ...mark };
    if (instances.length === total) return { value: instances, ...mark };
    const estimate = Math.min(limits.bytes, (bytes / instances.length) * total);
    return large.read(question, estimate, readOn);
  }

  /** The first portion of the whole table, and how many rows that has, counted no further than need be. */
  #begin(sql: Sql, limits: ListLimits) {
    const { stream, table } = this.#rows;
    if (!this.#beginning) {
      const counted = expression`(select count(*) from (select 1 from ${expression.table(table)} limit ${0}) as counted)`;
      const beginning = this.#rows.ordered(sql).limit(0);
      const statement = this.#rows.joinedInOrder(sql, beginning).select(counted.as("$total"));
      this.#beginning = statement.compile() as CompiledQuery<Joined>;
    }
    // in the order of the text: the count comes first
    const parameters = [limits.rows + 1, this.#portions.sizeOf(PORTION.rows), stream.definition.name];
    return sql.executeQuery<Joined>({ ...this.#beginning, parameters });
  }

  async #allInPortions(limits: ListLimits, turn: Turn): Promise<Answer<readonly T[] | keyof ListLimits>> {
    return this.#portions.inOrder(PORTION.rows, async ({ revision, token }, portions) => {
      const all: T[] = [];
      let bytes = 0;
      for await (const { rows, bytes: more } of portions) {
        all.push(...rows);
        bytes += more;
        if (all.length > limits.rows) return { value: "rows", revision, token };
        if (bytes > limits.bytes) return { value: "bytes", revision, token };
        await turn(bytes);
      }
      return { value: all, revision, token };
    });
  }
}
