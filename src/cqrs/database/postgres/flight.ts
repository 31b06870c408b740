import type { PoolClient, QueryResult } from "pg";
import type { PostgresClient } from "./client.ts";

/** A statement of a flight. It has no name on the server: a pooler may lead the next one elsewhere. */
export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** What came of a flight: the results of all its statements, or the failure of the first one that failed. */
export interface Landed {
  readonly results: readonly (QueryResult | undefined)[];
  readonly failure: Error | undefined;
  /** Which statement that was. */
  readonly failedAt: number;
}

/**
 * Sends statements in one go, without waiting for one before the next: together they take one round trip. When one fails,
 * the server refuses those that follow in the same transaction.
 */
export async function fly(client: PoolClient, statements: readonly Statement[]): Promise<Landed> {
  const landed = await (client as PoolClient & PostgresClient).inOnePiece(() =>
    Promise.allSettled(statements.map(({ text, values }) => client.query(text, values as unknown[] | undefined))),
  );
  const failedAt = landed.findIndex(({ status }) => status === "rejected");
  return {
    results: landed.map((one) => (one.status === "fulfilled" ? one.value : undefined)),
    failure: (landed[failedAt] as PromiseRejectedResult | undefined)?.reason,
    failedAt,
  };
}
