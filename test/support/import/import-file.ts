import { type App, createApp } from "../../../src/app.ts";
import { bookCommands } from "../../../src/books/commands/book-command-handler.ts";
import { type ImportOptions, type ImportSummary, importBooks } from "../../../src/books/import/import-books.ts";
import { ConfigService } from "../../../src/config.ts";
import { modules } from "../../../src/modules.ts";
import type { Service } from "../service/service.ts";

/**
 * Runs an import in this process: what `npm run import` runs, without the command line. It opens the database of this URL, or
 * uses what a service has open, which takes a fraction of the time.
 */
export async function importFile(
  into: string | Service,
  file: string,
  columns?: string,
  options: Omit<ImportOptions, "file" | "columns"> = {},
): Promise<ImportSummary> {
  const through = (app: App) => importBooks(bookCommands.of(app), { ...options, file, columns });
  if (typeof into !== "string") return through(into.app);
  const config = ConfigService.load({ DATABASE_URL: into, LOG_LEVEL: "silent" }, modules);
  const app = await createApp(config, modules);
  try {
    return await through(app);
  } finally {
    await app.close();
  }
}
