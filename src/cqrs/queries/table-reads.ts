import type { CompiledQuery } from "kysely";
import type { Value } from "../database/entity-table.ts";
import type { OrmService } from "../database/orm-service.ts";
import type { Derivation } from "../derivation.ts";
import { formatMark, type Mark } from "../mark.ts";
import type { Stream, StreamRow } from "../stream.ts";
import type { Lists } from "./large-lists.ts";
import type { ListAnswer, ListQuestion } from "./list-question.ts";
import { LogReads } from "./log-reads.ts";
import { type Answer, type ListLimits, type Page, type PageRequest, pointReads, type Reads } from "./reads.ts";
import { TableLists } from "./table-lists.ts";
import { TablePages } from "./table-pages.ts";
import { type Portion, TablePortions } from "./table-portions.ts";
import { TableQuestions } from "./table-questions.ts";
import { type Joined, NEVER, TableRows } from "./table-rows.ts";

/**
 * Reads of a stream's table. Each is one statement that joins the stream's row; a list that is large for one is read in
 * portions. What a replay compares is the row for a point read, for lists the mark: a table changes with its mark or not at
 * all.
 */
export class TableReads<T extends object> implements Reads<T> {
  /** Whether a value has the properties of an instance. */
  readonly isInstance: (value: unknown) => value is T;
  /** What those are called, in the order in which JSON has them. */
  readonly properties: readonly string[];
  /** What the change log has. */
  readonly log: LogReads<T>;
  readonly #derivation: Derivation<T>;
  readonly #rows: TableRows<T>;
  readonly #portions: TablePortions<T>;
  readonly #lists: TableLists<T>;
  readonly #pages: TablePages<T>;
  readonly #questions: TableQuestions<T>;
  /**
   * As with Redis, all point reads that wait in one turn of the event loop are one statement: SQLite takes and gives back
   * a lock for each, which costs more than the reading, and PostgreSQL is asked over the network.
   */
  readonly #points = pointReads("database", (keys) => this.#getAll(keys));
  /** Whoever asks for the mark in one turn has one answer. */
  readonly #marks = pointReads("database", async (asked) => {
    const answer = madeFromMark({ ...(await this.#rows.mark()), value: undefined as never });
    return asked.map(() => answer);
  });
  /** The statements for so many keys. To compile one costs more than to run it. */
  readonly #compiled = new Map<number, CompiledQuery<Joined>>();

  constructor(orm: OrmService, stream: Stream<T>, derivation: Derivation<T>) {
    this.#derivation = derivation;
    this.#rows = new TableRows(orm, stream, derivation);
    this.isInstance = this.#rows.isInstance;
    this.properties = this.#rows.properties;
    this.#portions = new TablePortions(this.#rows);
    this.#lists = new TableLists(this.#rows, this.#portions);
    this.#pages = new TablePages(this.#rows);
    this.#questions = new TableQuestions(this.#rows);
    this.log = new LogReads(orm, stream, this.#rows);
  }

  get(key: string): Promise<Answer<T | null>> {
    return this.#points.load(key);
  }

  /** The instances whose `property` is one of `values`, in no particular order. */
  async where(property: keyof T & string, values: readonly Value[]): Promise<Answer<readonly T[]>> {
    const column = this.#rows.column(property);
    const wanted = this.#rows.values(property, values);
    const { instances, mark } = await this.#rows.select((sql) => {
      const rows = this.#rows.rows(sql);
      // `in ()` is no SQL everywhere
      return this.#rows.joined(sql, values.length > 0 ? rows.where(column, "in", wanted) : rows.where(NEVER));
    });
    return { value: instances, ...mark };
  }

  async all(limits: ListLimits, large: Lists): Promise<Answer<readonly T[] | keyof ListLimits>> {
    return madeFromMark(await this.#lists.all(limits, large));
  }

  async page(request: PageRequest, large: Lists): Promise<Answer<Page<T>>> {
    return madeFromMark(await this.#pages.page(request, large));
  }

  /** A page of the rows that match, and what is said of all of these. */
  async list(question: ListQuestion, lists: Lists): Promise<ListAnswer<T>> {
    return madeFromMark(await this.#questions.ask(question, lists));
  }

  /** The same reads for replays: nobody asks for the values, and of lists nothing is read but the mark. */
  readonly forReplay: Reads<T> & Pick<TableReads<T>, "list"> = {
    get: (key) => this.get(key),
    all: () => this.#marks.load(""),
    page: () => this.#marks.load(""),
    list: () => this.#marks.load(""),
  };

  /** The rows between two keys, both exclusive, in their order. */
  between(range: Pick<PageRequest, "after" | "before" | "limit">): Promise<Answer<T[]>> {
    return this.#pages.between(range);
  }

  /** See {@link Derivation.distrust}. */
  distrust(keys: readonly string[]): Promise<boolean> {
    return this.#derivation.distrust(keys);
  }

  /**
   * Hands out the stream's row and the whole table by its keys, at most `size` rows at a time, both from one snapshot
   * that lasts until `work` is done.
   */
  snapshot(size: number, work: (row: StreamRow, portions: AsyncIterable<Portion<T>>) => Promise<void>): Promise<void> {
    return this.#portions.byKey(size, work);
  }

  async #getAll(keys: readonly string[]): Promise<Answer<T | null>[]> {
    const { key: property, name } = this.#rows.stream.definition;
    const { instances, mark } = await this.#rows.find((sql) => {
      let statement = this.#compiled.get(keys.length);
      if (!statement) {
        const rows = this.#rows.rows(sql).where(this.#rows.key, "in", keys);
        statement = this.#rows.joined(sql, rows).compile() as CompiledQuery<Joined>;
        this.#compiled.set(keys.length, statement);
      }
      return sql.executeQuery<Joined>({ ...statement, parameters: [...keys, name] });
    });
    const byKey = new Map(instances.map((instance) => [instance[property] as string, instance]));
    return keys.map((key) => {
      const value = byKey.get(key) ?? null;
      return { value, ...mark, madeFrom: JSON.stringify(value) };
    });
  }
}

/** A list with what it is made from: the mark of its state, which names one of one history. */
function madeFromMark<A extends Mark>(answer: A): A & { readonly madeFrom: string } {
  return { ...answer, madeFrom: formatMark(answer) };
}
