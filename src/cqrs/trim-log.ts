import { sql as expression } from "kysely";
import { KEPT_SECONDS } from "./database/kept-keys.ts";
import type { OrmService } from "./database/orm-service.ts";
import type { StreamDefinition } from "./stream.ts";

/** What a portion of the log has come to: how many entries were removed, and whether more may be due. */
export interface Trimmed {
  readonly removed: number;
  /** The revision that the log now goes on from. */
  readonly to: number;
  readonly hasMore: boolean;
}

const NOTHING: Trimmed = { removed: 0, to: 0, hasMore: false };

/**
 * Removes the oldest entries of a stream's change log that were made more than `keepMs` ago, `portion` at most, and notes in
 * the stream's row up to which revision they are gone; one transaction, which commands wait for. What a key stands for stays.
 *
 * Its time is that of the database, and an entry has that of the process that made it. One that is of the future says
 * nothing of its age, so it goes with the next one; one that seems too old goes only when all before it do.
 */
export async function trimLog<T extends object>(
  orm: OrmService,
  { name, changes }: Pick<StreamDefinition<T>, "name" | "changes">,
  keepMs: number,
  portion: number,
): Promise<Trimmed> {
  const now = expression.raw<number | string>(orm.ddl.now);
  const oldest = await orm.sql((sql) =>
    sql
      .selectFrom(changes)
      .select(["at", now.as("now")])
      .orderBy("revision")
      .limit(1)
      .executeTakeFirst(),
  );
  if (!oldest || (oldest.at >= timeText(Number(oldest.now) - keepMs) && oldest.at <= timeText(Number(oldest.now))))
    return NOTHING;
  return orm.transaction((tx) =>
    tx.sql(async (sql) => {
      // takes the lock that every command takes
      const row = await sql
        .updateTable("stream")
        .set((column) => ({ trimmed_to: column.ref("trimmed_to") }))
        .where("name", "=", name)
        .returning(["trimmed_to", now.as("now")])
        .executeTakeFirstOrThrow();
      const from = Number(row.trimmed_to);
      const entries = await sql
        .selectFrom(changes)
        .select(["revision", "at"])
        .where("revision", ">", from)
        .orderBy("revision")
        .limit(portion)
        .execute();
      const due = dueUntil(entries, Number(row.now), keepMs);
      if (due === undefined) return NOTHING;
      const kept = await sql
        .selectFrom("idempotency_key")
        .select(expression<number | string | null>`min(revision)`.as("first"))
        .where("stream", "=", name)
        .where("revision", ">", from)
        .where("revision", "<=", due)
        .where("at", ">", Math.floor(Number(row.now) / 1000) - KEPT_SECONDS)
        .executeTakeFirst();
      const to = kept?.first == null ? due : Number(kept.first) - 1;
      if (to <= from) return NOTHING;
      await sql.updateTable("stream").set({ trimmed_to: to }).where("name", "=", name).execute();
      await sql.deleteFrom(changes).where("revision", "<=", to).execute();
      return { removed: to - from, to, hasMore: to === Number(entries.at(-1)?.revision) && entries.length === portion };
    }),
  );
}

/** The revision of the last of these entries that is too old, with all before it; undefined when none is. */
function dueUntil(
  entries: readonly { readonly revision: number | string; readonly at: string }[],
  now: number,
  keepMs: number,
): number | undefined {
  let due: number | undefined;
  for (const { revision, at } of entries) {
    if (at < timeText(now - keepMs)) due = Number(revision);
    else if (at <= timeText(now)) break;
  }
  return due;
}

/** As the log has times. */
function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
