import { createApp } from "../../../src/app.ts";
import { bookCommands } from "../../../src/books/commands/book-command-handler.ts";
import { type ImportOptions, type ImportSummary, importBooks } from "../../../src/books/import/import-books.ts";
import { ConfigService } from "../../../src/config.ts";
import { modules } from "../../../src/modules.ts";

/** Runs an import in this process: what `npm run import` runs, without the command line. */
export async function importFile(
  databaseUrl: string,
  file: string,
  columns?: string,
  options: Omit<ImportOptions, "file" | "columns"> = {},
): Promise<ImportSummary> {
  const config = ConfigService.load({ DATABASE_URL: databaseUrl, LOG_LEVEL: "silent" }, modules);
  const app = await createApp(config, modules);
  try {
    return await importBooks(bookCommands.of(app), { ...options, file, columns });
  } finally {
    await app.close();
  }
}
