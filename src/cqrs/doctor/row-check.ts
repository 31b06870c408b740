import type { Sql } from "../database/engine.ts";
import { FOLDED_VERSION } from "../derived.ts";
import type { Findings } from "./findings.ts";
import type { StoredRow, TableAndLog } from "./table-and-log.ts";

/** What an aggregate finds wrong with an instance that today's rules would not let in, a line each. */
export type FaultsOf<T> = (instance: T) => readonly string[];

/** Looks at rows for what they are by themselves: what is derived of them, and what today's rules say of them. */
export class RowCheck<T extends object> {
  /** Rows that another version has written, and nobody has yet made anew. */
  stale = 0;
  /** All rows. */
  count = 0;
  readonly #source: TableAndLog<T>;
  readonly #findings: Findings;
  readonly #faultsOf: FaultsOf<T>;
  readonly #onWrong: (id: number) => void;

  /** `onWrong` is told of each row whose derived columns are wrong. */
  constructor(
    source: TableAndLog<T>,
    findings: Findings,
    faultsOf: FaultsOf<T> = () => [],
    onWrong: (id: number) => void = () => {},
  ) {
    this.#source = source;
    this.#findings = findings;
    this.#faultsOf = faultsOf;
    this.#onWrong = onWrong;
  }

  /** Hands the rows on when it has looked at them. */
  async *through(sql: Sql, portions: AsyncIterable<readonly StoredRow<T>[]>) {
    for await (const rows of portions) {
      this.count += rows.length;
      for (const row of rows) this.#look(row);
      await this.#lookForMeeting(sql, rows);
      yield rows;
    }
  }

  #look({ id, instance, stored }: StoredRow<T>): void {
    const name = this.#source.named(id, instance);
    for (const fault of this.#faultsOf(instance)) this.#findings.note(`${name} would be refused today: ${fault}`);
    const { derived } = this.#source.definition;
    if (!derived) return;
    if (stored[FOLDED_VERSION] !== instance[derived.version]) {
      this.stale++;
      return;
    }
    const wrong = Object.entries(derived.columns).filter(([column, of]) => stored[column] !== of(instance));
    if (wrong.length === 0) return;
    this.#onWrong(id);
    this.#findings.differ("derived", `${name} has wrong ${wrong.map(([column]) => column).join(", ")}`);
  }

  /** Those that have one unique value in two forms, of which each was let in when only the other's form was known. */
  async #lookForMeeting(sql: Sql, rows: readonly StoredRow<T>[]): Promise<void> {
    const { definition, table, mapper } = this.#source;
    const wanted = new Map<keyof T & string, Map<unknown, StoredRow<T>>>();
    for (const row of rows) {
      const keys = Object.entries(definition.decisions.keysOfChange?.(row.instance) ?? {});
      for (const [property, values] of keys as [keyof T & string, readonly unknown[]][]) {
        const sought = wanted.get(property) ?? new Map();
        for (const value of values) wanted.set(property, sought.set(value, row));
      }
    }
    for (const [property, sought] of wanted) {
      const column = mapper.columns[property] as string;
      const others = sql
        .selectFrom(table)
        .select(mapper.selection)
        .where(column, "in", [...sought.keys()]);
      for (const found of await others.execute()) {
        const other = mapper.instanceIn(found);
        const row = sought.get(other[property]);
        if (!row || row.id === Number(found.id)) continue;
        const names = [this.#source.named(row.id, row.instance), this.#source.named(Number(found.id), other)];
        this.#findings.note(
          `${names.join(" and ")} have one ${property}: ${row.instance[property]}, ${other[property]}`,
        );
      }
    }
  }
}
