import type { Batch } from "../batch.ts";
import { UniqueViolation } from "../errors.ts";
import type { OpenedDatabase } from "./opened-database.ts";
import { BatchFailure, type BatchStream, type Committed } from "./stream-table.ts";
import { ATTEMPTS, beforeAttempt } from "./transaction.ts";

/**
 * Commits a batch, again where the database has rolled it back for the sake of another, or somebody who does not take the
 * lock has taken a unique value meanwhile: it is then decided anew.
 *
 * @throws OutcomeUnknown, DatabaseUnavailable, and what else a statement failed with
 */
export async function commitBatch(
  opened: OpenedDatabase,
  stream: BatchStream,
  batch: Batch<never>,
  isClosed: () => boolean,
): Promise<Committed> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await opened.engine.batches.commit(stream, batch);
    } catch (error) {
      // what is no such failure was thrown before anything was sent
      const { cause, committing } = error instanceof BatchFailure ? error : new BatchFailure(error, false);
      const again =
        opened.isRetryable(cause, committing) || (!committing && opened.translate(cause) instanceof UniqueViolation);
      if (attempt === ATTEMPTS || isClosed() || !again) throw opened.failureOf(cause, committing);
      await beforeAttempt(attempt);
    }
  }
}
