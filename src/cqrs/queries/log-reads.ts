import { sql as expression } from "kysely";
import type { LoggedChange } from "../change.ts";
import type { Sql } from "../database/engine.ts";
import type { OrmService } from "../database/orm-service.ts";
import { RevisionNotReached, RevisionTrimmed } from "../errors.ts";
import { isStorable } from "../storable.ts";
import type { Stream } from "../stream.ts";
import type { Lists } from "./large-lists.ts";
import { type LogRow, PastChanges } from "./past-changes.ts";
import { pastQuery } from "./past-query.ts";
import type { Answer } from "./reads.ts";
import { PORTION, type Select, type TableRows } from "./table-rows.ts";

/** A row of a statement that reads the log beside the stream's mark; nulls where the log has nothing. */
type LogJoined = { [K in keyof LogRow]: LogRow[K] | null } & Record<string, unknown> & {
    readonly $revision: number | string;
    readonly $token: string;
    readonly $trimmed: number | string;
  };

/** Entries of the log that are changes of one instance, the newest first, and whether there are others of it. */
export interface PastPage<T> {
  readonly changes: readonly LoggedChange<T>[];
  readonly hasNewer: boolean;
  readonly hasOlder: boolean;
}

/**
 * Reads of a stream's change log, and of what its instances once were. Each is one statement with the stream's row, so that
 * entries, mark, and the revision up to which the log was trimmed are of one state. Entries that other versions have
 * logged are then made whole, from what no later command changes.
 */
export class LogReads<T extends object> {
  readonly #orm: OrmService;
  readonly #stream: Stream<T>;
  readonly #rows: TableRows<T>;
  readonly #past: PastChanges<T>;
  /** What an entry took on average, or at most lately. */
  #entryBytes = (2 * PORTION.bytes) / PORTION.rows;

  constructor(orm: OrmService, stream: Stream<T>, rows: TableRows<T>) {
    this.#orm = orm;
    this.#stream = stream;
    this.#rows = rows;
    this.#past = new PastChanges(orm, stream, rows);
  }

  /**
   * The first changes after a revision, `limit` at most, in their order.
   *
   * @throws ServiceError `REVISION_NOT_REACHED`, `REVISION_TRIMMED`
   */
  async changesAfter(revision: number, limit: number, large: Lists): Promise<Answer<readonly LoggedChange<T>[]>> {
    const { entries, row } = await this.#read(`after ${revision} ${limit}`, limit, large, (sql) =>
      this.#joined(sql, this.#entries(sql).where("revision", ">", revision).orderBy("revision").limit(limit)),
    );
    requireLogged(revision, row);
    return answerOf(row, await this.#past.whole(entries));
  }

  /** The last changes of the instance with this id, `limit` at most, the newest first; those before a revision, if it is given. */
  async historyOf(id: number, limit: number, before: number | undefined, large: Lists): Promise<Answer<PastPage<T>>> {
    const { entries, row } = await this.#read(`of ${id} ${limit} ${before}`, limit, large, (sql) => {
      const own = this.#entries(sql).where("entity_id", "=", id);
      const older = before === undefined ? own : own.where("revision", "<", before);
      // one more than asked for says whether there are more
      const page = this.#joined(sql, older.orderBy("revision", "desc").limit(limit + 1));
      if (before === undefined) return page;
      const newer = own.where("revision", ">=", before).clearSelect().select(expression.lit(1).as("one"));
      return page.select(expression`exists ${newer}`.as("$newer"));
    });
    const changes = (await this.#past.whole(entries)).reverse();
    const hasNewer = Boolean(row.$newer);
    return answerOf(row, { changes: changes.slice(0, limit), hasNewer, hasOlder: changes.length > limit });
  }

  /**
   * The instance that had this value of a unique property at a revision, or null; of several values that of the first
   * that an instance had. `indexHistory` must have been told of the property, unless it is the id.
   *
   * @throws ServiceError `REVISION_NOT_REACHED`, `REVISION_TRIMMED`
   */
  async at(
    property: keyof T & string,
    values: readonly (string | number)[],
    revision: number,
  ): Promise<Answer<T | null>> {
    const [value, ...more] = values;
    const isAsked = value !== undefined && isStorable(value);
    const member = (column: string) => this.#orm.ddl.member(column, property);
    const by = { property, value: isAsked ? value : null, member };
    const rows = await this.#orm.sql((sql) =>
      pastQuery(sql, this.#stream.definition, this.#rows, by, revision).execute(),
    );
    const row = this.#stateIn(rows as LogJoined[]);
    requireLogged(revision, row);
    const found = await this.#found(row, revision);
    return found || more.length === 0 ? answerOf(row, found) : this.at(property, more, revision);
  }

  /** The instance of then in a row of `pastQuery`. */
  async #found(row: LogJoined, revision: number): Promise<T | null> {
    // who has it now, or had it until the next change of that, may have taken it only since
    if (row.$led !== null && Number(row.$led) > revision) return null;
    if (row.revision !== null) return (await this.#past.whole([row as LogRow]))[0]?.before ?? null;
    const { definition } = this.#stream;
    const instance = Object.fromEntries(this.#rows.properties.map((name) => [name, row[`now ${name}`]] as const));
    return instance[definition.key] === null ? null : (this.#rows.instances([instance])[0] ?? null);
  }

  #entries(sql: Sql): Select {
    return sql.selectFrom(this.#stream.definition.changes).selectAll();
  }

  #joined(sql: Sql, entries: Select): Select {
    return sql
      .selectFrom("stream")
      .leftJoin(entries.as("entry"), (join) => join.onTrue())
      .where("stream.name", "=", this.#stream.definition.name)
      .select(["stream.revision as $revision", "stream.token as $token", "stream.trimmed_to as $trimmed"])
      .selectAll("entry")
      .orderBy("entry.revision");
  }

  /** Runs a joined statement; one that may take long in its turn, and so that no other read waits for it. */
  async #read(question: string, limit: number, large: Lists, build: (sql: Sql) => Select) {
    const bytes = limit * this.#entryBytes;
    if (bytes <= PORTION.bytes) return this.#entriesIn(await this.#orm.sql((sql) => build(sql).execute()));
    const { changes } = this.#stream.definition;
    return large.read(`${changes} ${question}`, bytes, async (turn) => {
      const read = this.#entriesIn(await this.#orm.longRead((sql) => build(sql).execute()));
      await turn(read.bytes);
      return read;
    });
  }

  #entriesIn(rows: readonly unknown[]) {
    const row = this.#stateIn(rows as LogJoined[]);
    const entries = (rows as LogJoined[]).filter(({ revision }) => revision !== null) as unknown as LogRow[];
    const bytes = entries.reduce((sum, { before, after }) => sum + (before?.length ?? 0) + (after?.length ?? 0), 0);
    const entryBytes = bytes / Math.max(1, entries.length);
    // larger ones than before count at once
    this.#entryBytes = Math.max(entryBytes, (this.#entryBytes + entryBytes) / 2);
    return { entries, row, bytes };
  }

  #stateIn([row]: readonly LogJoined[]): LogJoined {
    if (!row) throw new Error(`the table stream has no row for ${this.#stream.definition.name}`);
    return row;
  }
}

function answerOf<V>({ $revision, $token }: LogJoined, value: V): Answer<V> {
  return { revision: Number($revision), token: $token, value };
}

/** @throws ServiceError when the log does not tell what came after `asked`, not yet or no more */
function requireLogged(asked: number, { $revision, $trimmed }: LogJoined): void {
  if (asked > Number($revision)) throw new RevisionNotReached(Number($revision), undefined, `revision ${asked}`);
  if (asked < Number($trimmed)) throw new RevisionTrimmed(asked, Number($trimmed));
}
