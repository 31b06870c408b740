import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { onPostgres } from "../../../test/support/database/on-postgres.ts";

/** How long it is tried to have the lock of a file: its processes take it again and again. Milliseconds. */
const GET_WITHIN_MS = 3000;

/** Holds what every command of a database waits for: the file's lock, or the row of the stream. Then lets it go unchanged. */
export async function holdRow(url: string, ms: number): Promise<void> {
  if (url.startsWith("sqlite:")) {
    // a wait inside SQLite would stop the clients
    const database = new Database(url.slice("sqlite:".length), { fileMustExist: true, timeout: 0 });
    try {
      const deadline = performance.now() + GET_WITHIN_MS;
      while (!begin(database)) {
        if (performance.now() > deadline) return;
        await sleep(1);
      }
      await sleep(ms);
    } finally {
      database.close();
    }
    return;
  }
  await onPostgres(url, async (client) => {
    await client.query("begin");
    await client.query("select from stream for update");
    await sleep(ms);
  });
}

/** Says whether the lock is had. */
function begin(database: Database.Database): boolean {
  try {
    database.exec("begin immediate");
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === "SQLITE_BUSY") return false;
    throw error;
  }
}
