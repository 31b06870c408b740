import type { RawBuilder } from "kysely";
import { FOLDED_VERSION } from "../derived.ts";
import { newToken } from "../mark.ts";
import type { WordIndex, WordUpkeep } from "./word-index.ts";

/** How the engine at hand spells what engines spell differently. */
export interface Ddl {
  /** The type and constraints of a primary key that the database counts up and never gives out twice. */
  readonly identity: string;
  /** The type of a text whose order is by Unicode code point. */
  readonly text: string;
  /** The type of whole numbers up to 2^53 that drivers take for numbers. */
  readonly double: string;
  /** The statements that make a column of texts one whose order is by Unicode code point. */
  readonly toCodePointOrder: (table: string, column: string) => readonly string[];
  /** The statements that make a column of whole numbers one that holds them up to 2^53 as drivers take numbers for. */
  readonly toDouble: (table: string, column: string) => readonly string[];
  /** The statements after which the planner knows how many rows have values of a column within a narrow range. */
  readonly knowRanges: (table: string, column: string) => readonly string[];
  /** The member `property` of a column of JSON, a text: an index of it serves whoever asks for the very same. */
  readonly member: (column: string, property: string) => string;
  /** The time of the database's clock, in milliseconds since 1970. */
  readonly now: string;
  /** SQL for rows whose whole number in the column is one of many: thousands are one parameter. */
  readonly isAmong: (column: string, numbers: readonly number[]) => RawBuilder<boolean>;
  /** Whether a row's columns are read from an index alone that has them all, without a look at the row. */
  readonly readsIndexAlone: boolean;
  /** How rows are found by words. */
  readonly words: WordIndex & WordUpkeep;
  /** Whether a statement that breaks two unique indexes is told of the one that was created last. */
  readonly youngestIndexFirst: boolean;
}

/** What the statements of migrations begin with: the client waits for them for as long as they take. */
export const MIGRATION = "/* migration */";

/** One step of the database's schema. It runs once, in a transaction, in the order of the list that it stands in. */
export interface SchemaMigration {
  /** The stable name under which the database remembers that it ran. */
  readonly name: string;
  /**
   * Whether processes that do not know this step may serve, and start, on a database that has run it. The database keeps
   * the answer, for they cannot know it. `false` where what they would read or write is wrong then, or fails.
   */
  readonly compatible: boolean;
  readonly up: (ddl: Ddl) => readonly string[];
}

/** The kernel's own tables. They come before those of the aggregates. */
export const kernelMigrations: readonly SchemaMigration[] = [
  {
    name: "cqrs-1-create-stream",
    compatible: true,
    up: () => [
      `create table stream (
        name text primary key,
        revision bigint not null,
        token text not null,
        previous_token text not null,
        read_model text,
        lease_ms integer not null
      )`,
    ],
  },
  {
    name: "cqrs-2-create-write-probe",
    compatible: true,
    up: () => [
      "create table write_probe (id integer primary key, filler text not null)",
      "insert into write_probe (id, filler) values (1, '')",
    ],
  },
  {
    name: "cqrs-3-create-idempotency-key",
    compatible: true,
    up: () => [
      // `at` is in seconds since 1970; an entry of the change log, `revision`, has what was done
      `create table idempotency_key (
        stream text not null,
        subject text not null,
        key text not null,
        digest text not null,
        revision bigint not null,
        at bigint not null,
        repeats integer not null,
        primary key (stream, subject, key)
      )`,
      "create index idempotency_key_at on idempotency_key (stream, at)",
    ],
  },
  {
    name: "cqrs-4-trim-change-log",
    compatible: true,
    up: () => [
      // the log goes on from there: what led to this revision and before may have been removed
      "alter table stream add column trimmed_to bigint not null default 0",
      "create index idempotency_key_revision on idempotency_key (stream, revision)",
    ],
  },
];

/** The statements that a new stream needs: its row, and its change log in the table `changes`. */
export function createStream(name: string, changes: string): readonly string[] {
  return [
    `insert into stream (name, revision, token, previous_token, lease_ms) values ('${name}', 0, '${newToken()}', '', 0)`,
    `create table ${changes} (
      revision bigint primary key,
      token text not null,
      previous_token text not null,
      at text not null,
      kind text not null check (kind in ('add', 'update', 'delete')),
      entity_id integer not null,
      before text,
      after text
    )`,
  ];
}

/** The statements that a table needs for its first derived columns; all its rows are stale then. `version` is a column. */
export function createDerivation(table: string, version: string, { double }: Ddl): readonly string[] {
  return [
    `alter table ${table} add column ${FOLDED_VERSION} ${double}`,
    `create index ${table}_stale on ${table} (${version}) where ${FOLDED_VERSION} is distinct from ${version}`,
  ];
}

/** The statements that have a change log say who asked for each change. Processes of the version before leave it empty. */
export function logWho(changes: string): readonly string[] {
  return [`alter table ${changes} add column who text`];
}

/**
 * The statements after which what an instance once was is found at once in the change log `changes`: by its id, and by each
 * of these unique properties. Indexes of what is logged anyway, for processes of the version before fill no column.
 */
export function indexHistory(ddl: Ddl, changes: string, properties: readonly string[]): readonly string[] {
  return [
    `create index ${changes}_entity on ${changes} (entity_id, revision)`,
    ...properties.map(
      (property) =>
        `create index ${changes}_${property} on ${changes} (${ddl.member("before", property)}, revision)
          where before is not null`,
    ),
  ];
}
