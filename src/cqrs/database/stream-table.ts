import type { Batch } from "../batch.ts";
import type { Change, Outcome, SeenRow } from "../change.ts";
import type { Decisions } from "../decisions.ts";
import type { Derived } from "../derived.ts";
import type { ValueKind } from "./value-kind.ts";

/** What the write side must know of a stream's tables, as plain data: a thread is sent it. */
export interface StreamTable {
  /** The name of the stream's row. */
  readonly stream: string;
  readonly table: string;
  /** The table of the change log. */
  readonly changes: string;
  /** The column of each property, in their order. `id` is the primary key. */
  readonly columns: Readonly<Record<string, string>>;
  /** The properties that are unique, `id` among them. */
  readonly unique: readonly string[];
  /** The properties that may be null. */
  readonly nullable: readonly string[];
  /** Those that are selected as texts, because a driver would make an inexact number of them. */
  readonly asText: readonly string[];
  /** What each is in a row; undefined where only MikroORM knows. */
  readonly kinds: Readonly<Record<string, ValueKind>> | undefined;
  /** The URL of the module that decides commands. */
  readonly decisions: string;
  /** The columns that are derived of an instance, and the URL of the module that does; undefined where there are none. */
  readonly derived:
    | { readonly columns: readonly string[]; readonly module: string; readonly hasWords: boolean }
    | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: whatever the stream is of
export type AnyDecisions = Decisions<any, any, any>;

/** What became of a batch, and what its transaction saw in the row. */
export interface Committed extends SeenRow {
  // biome-ignore lint/suspicious/noExplicitAny: whatever the stream is of
  readonly outcomes: readonly Outcome<any, any>[];
}

/** What of `InstanceMapper` a batch needs. */
export interface RowMapper {
  // biome-ignore lint/suspicious/noExplicitAny: whatever the stream is of
  instance(row: unknown): any;
  toRow(property: string, value: unknown): unknown;
  toJson(property: string, value: unknown): unknown;
}

/** A stream whose batches are committed. */
export interface BatchStream {
  readonly table: StreamTable;
  readonly decisions: AnyDecisions;
  readonly derived: Derived<never> | undefined;
  readonly mapper: RowMapper;
}

/** What a batch selects of a row: each column under its property's name. */
export function selectionOf({ columns, asText }: StreamTable): string {
  return Object.entries(columns)
    .map(
      ([property, column]) =>
        `${asText.includes(property) ? `cast("${column}" as text)` : `"${column}"`} as "${property}"`,
    )
    .join(", ");
}

/** The columns in which a batch writes an instance: its own, and what is derived of it. */
export function writtenColumns({ columns, derived }: StreamTable): readonly string[] {
  return [...Object.values(columns), ...(derived?.columns ?? [])];
}

/** How an engine commits batches: load, decide, write, all in one transaction. */
export interface BatchWriter {
  /** Makes everything ready, so that the first batch is no slower than others. @throws BatchFailure */
  prepare(stream: BatchStream): Promise<void>;
  /**
   * @throws BatchFailure when nothing is known of any command of the batch
   */
  commit(stream: BatchStream, batch: Batch<never>): Promise<Committed>;
  close(): Promise<void>;
}

/** Why a batch was not committed, or may not have been. */
export class BatchFailure extends Error {
  /** Whether the commit was sent. */
  readonly committing: boolean;

  constructor(cause: unknown, committing: boolean) {
    super("a batch failed", { cause });
    this.name = "BatchFailure";
    this.committing = committing;
  }
}

/** An entry of the change log as its table has it. */
export function logRow<T extends { readonly id: number }>(change: Change<T>, at: string) {
  const { revision, token, previousToken, kind, before, after, who } = change;
  return {
    revision,
    token,
    previous_token: previousToken,
    at,
    kind,
    entity_id: (after ?? before)?.id,
    before: before && JSON.stringify(before),
    after: after && JSON.stringify(after),
    who,
  };
}

/** The columns of `logRow`. */
export const LOG_COLUMNS = [
  "revision",
  "token",
  "previous_token",
  "at",
  "kind",
  "entity_id",
  "before",
  "after",
  "who",
] as const;
