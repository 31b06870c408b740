import type { Sql } from "./engine.ts";

/**
 * Takes the lock that every command of these streams takes, until the transaction ends, and changes nothing: who has rows
 * without it could wait for one that has it, and that for them.
 */
export async function lockStreams(sql: Sql, names: readonly string[]): Promise<void> {
  await sql
    .updateTable("stream")
    .set((column) => ({ lease_ms: column.ref("lease_ms") }))
    .where("name", "in", names)
    .execute();
}
