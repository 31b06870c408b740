import Database from "better-sqlite3";
import { onPostgres } from "./on-postgres.ts";

/** The rows of one statement, over a connection of its own: for databases that this checkout's `OrmService` refuses. */
// biome-ignore lint/suspicious/noExplicitAny: rows of every shape
export async function sqlOn(url: string, statement: string): Promise<any[]> {
  if (url.startsWith("sqlite:")) {
    const connection = new Database(url.slice("sqlite:".length));
    try {
      const prepared = connection.prepare(statement);
      return prepared.reader ? prepared.all() : [prepared.run()];
    } finally {
      connection.close();
    }
  }
  return onPostgres(url, async (client) => (await client.query(statement)).rows);
}
