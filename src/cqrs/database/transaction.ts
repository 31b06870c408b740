import { setTimeout as sleep } from "node:timers/promises";
import { CompiledQuery } from "kysely";
import type { Sql } from "./engine.ts";
import type { OpenedDatabase } from "./opened-database.ts";

/** How often a transaction is tried that the database rolls back for the sake of another. */
export const ATTEMPTS = 5;

/** Waits a little longer before each attempt, and never as long as another that failed at the same time. */
export async function beforeAttempt(attempt: number): Promise<void> {
  await sleep(Math.random() * 10 * 2 ** attempt);
}

/** A transaction that is open. */
export interface Transaction {
  readonly sql: Sql;
  /** Why it can no longer be committed, whoever has caught that error meanwhile. */
  failure?: unknown;
}

/**
 * Runs `work` in a transaction of its own, and again where that can help while `isWanted`.
 *
 * @throws OutcomeUnknown when the commit itself failed, and may yet have happened
 */
export async function inTransaction<R>(
  opened: OpenedDatabase,
  isWanted: () => boolean,
  work: (transaction: Transaction) => Promise<R>,
): Promise<R> {
  for (let attempt = 1; ; attempt++) {
    let committing = false;
    try {
      return await opened.writes.transaction().execute(async (sql) => {
        const transaction: Transaction = { sql };
        const result = await work(transaction).catch((error) => {
          throw transaction.failure ?? error;
        });
        if (transaction.failure) throw transaction.failure;
        committing = true;
        return result;
      });
    } catch (error) {
      // closed meanwhile, it cannot run again, and what failed is still told as it is
      if (attempt === ATTEMPTS || !isWanted() || !opened.isRetryable(error, committing))
        throw opened.failureOf(error, committing);
      await beforeAttempt(attempt);
    }
  }
}

/** Runs `work` in a savepoint. Nested ones have one name, too: it stands for the innermost. */
export async function inSavepoint<R>(
  opened: OpenedDatabase,
  transaction: Transaction,
  work: () => Promise<R>,
): Promise<R> {
  const run = (statement: string) =>
    inside(opened, transaction, (sql) => sql.executeQuery(CompiledQuery.raw(statement)));
  await run("savepoint nested");
  try {
    const result = await work();
    await run("release savepoint nested");
    return result;
  } catch (error) {
    try {
      await run("rollback to savepoint nested");
      await run("release savepoint nested");
    } catch (notUndone) {
      // what the others did cannot be told from what this one did
      transaction.failure ??= notUndone;
    }
    throw error;
  }
}

/** Runs SQL in the transaction, if that can still be committed, and notes when it no longer can. */
export async function inside<R>(
  opened: OpenedDatabase,
  transaction: Transaction,
  work: (sql: Sql) => Promise<R>,
): Promise<R> {
  try {
    if (transaction.failure) throw transaction.failure;
    return await work(transaction.sql);
  } catch (error) {
    if (opened.endsTransaction(error)) transaction.failure ??= error;
    throw opened.translate(error);
  }
}
