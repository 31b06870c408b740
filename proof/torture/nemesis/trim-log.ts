import { openDatabase } from "../../../src/app.ts";
import { bookStream } from "../../../src/books/book-stream.ts";
import { trimLog } from "../../../src/cqrs/trim-log.ts";
import { modules } from "../../../src/modules.ts";
import { execute } from "../change-log.ts";
import type { Means } from "./faults.ts";

const DAY_MS = 86_400_000;
/** Small, so that others come in between. */
const PORTION = 20;

/**
 * Days pass for all that the judge has read of the log and that no client may still send again; then the program trims it,
 * beside all that goes on.
 */
export async function trimOldLog({ member: { installation }, random, oldestKept }: Means): Promise<void> {
  const { database, lock } = installation;
  await lock.run(async () => {
    const { branch } = installation;
    const until = oldestKept(branch) - random.pick([0, 0, 5, 100]);
    if (branch.truth || until <= (branch.trimmedTo ?? 0)) return;
    await execute(database.url, [
      `update book_change set at = '2001-02-03T04:05:06.789Z' where revision <= ${until}`,
      `update idempotency_key set at = at - 100000 where revision <= ${until}`,
    ]);
    const orm = await openDatabase(database.url, modules);
    try {
      for (let hasMore = true; hasMore; ) {
        const trimmed = await trimLog(orm, bookStream, DAY_MS, PORTION);
        branch.trimmedTo = Math.max(branch.trimmedTo ?? 0, trimmed.to);
        ({ hasMore } = trimmed);
      }
    } finally {
      await orm.close();
    }
  });
}
