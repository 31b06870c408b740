import { basename } from "node:path";
import { parseArgs } from "node:util";
import { createApp } from "./app.ts";
import { bookCommands } from "./books/commands/book-command-handler.ts";
import { importFields } from "./books/import/csv-columns.ts";
import { type ImportOptions, type ImportSummary, importBooks } from "./books/import/import-books.ts";
import { showProgress } from "./books/import/progress.ts";
import { ConfigService } from "./config.ts";
import { StartupError } from "./cqrs/errors.ts";
import { flushLog } from "./log.ts";
import { modules } from "./modules.ts";

const USAGE = `Usage: npm run import -- FILE.csv [options]

Adds the books of a CSV file to the catalogue; its first line names the columns. It may be run again: books that are
stored as the file has them count as unchanged. The service may run meanwhile.

  --columns FIELD=HEADER,...  which column holds which field, for example: title=title,author=authors,isbn=isbn
                     Fields: ${importFields.join(", ")}.
                     Without it each column is named as the field. Other columns are ignored.
  --delimiter C      what separates the columns: one character such as ";" or "|", or tab; a comma unless given
  --encoding NAME    the encoding of the file, such as windows-1252 or utf-16le; UTF-8 unless given
  --dates dmy|mdy    whether 01/02/2024 has the day first or the month; unless given, such a date is refused
  --rejected FILE    where rejected rows go; FILE.rejected.csv unless given
  --help             shows this text

A year alone becomes its first of January; a year before 1 becomes empty and is counted. ISBNs that lost the zeros that
they begin with are mended where the check digit then agrees. Rows that are refused are written as they are, with line
and reason before them, so that they can be corrected and imported. docs/import.md says what is refused and why.
DATABASE_URL, REDIS_URL and the rest of the environment are read as by npm start; only LOG_LEVEL is warn here unless set.

Exit code: 0 when the file was dealt with to its end, rejected rows included; 1 when it was not; 130 or 143 when
interrupted.`;

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

const TEXT = { type: "string" } as const;

// the log has them; Node would print them beside it, and not as JSON
process.removeAllListeners("warning");

try {
  const { values, positionals } = parseArgs({
    options: {
      columns: TEXT,
      delimiter: TEXT,
      encoding: TEXT,
      dates: TEXT,
      rejected: TEXT,
      help: { type: "boolean" },
    },
    allowPositionals: true,
  });
  const [file, ...more] = positionals;
  if (values.help) console.log(USAGE);
  else if (file === undefined || more.length > 0) fail("give one file: npm run import -- FILE.csv (--help says more)");
  else await run({ ...values, file });
} catch (error) {
  const lines = error instanceof StartupError ? error.lines : [(error as Error).message];
  for (const line of lines) fail(line);
}
await flushLog();
// what did not close in time is left
process.exit();

async function run(options: ImportOptions): Promise<void> {
  const interruption = new AbortController();
  let interruptedBy: keyof typeof EXIT_CODES | undefined;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    // it may come twice: npm passes on what a terminal has sent to both
    process.on(signal, () => {
      interruptedBy ??= signal;
      interruption.abort();
    });
  }

  const begin = performance.now();
  const name = basename(options.file);
  const config = ConfigService.load({ LOG_LEVEL: "warn", ...process.env }, modules);
  const app = await createApp(config, modules);
  try {
    const progress = showProgress(name, process.stderr);
    const summary = await importBooks(bookCommands.of(app), {
      ...options,
      onProgress: progress.update,
      onNotice: (notice) => console.error(`${name}: ${notice}`),
      signal: interruption.signal,
    }).finally(progress.end);

    console.log(report(summary, (performance.now() - begin) / 1000));
    const resume = `The rows up to line ${summary.lastLine} are dealt with; run the import again to go on.`;
    if (summary.failure) fail(`${summary.failure.message} ${resume}`);
    else if (interruptedBy) fail(`Interrupted by ${interruptedBy}. ${resume}`);
  } catch (error) {
    if (!interruptedBy) throw error;
    fail(`Interrupted by ${interruptedBy} before the first row.`);
  } finally {
    if (interruptedBy && process.exitCode) process.exitCode = EXIT_CODES[interruptedBy];
    await app.close();
  }
}

function report(summary: ImportSummary, seconds: number): string {
  const { read, added, unchanged, rejected, rejectedFile, dateOutOfRange, isbnMended, emptied } = summary;
  return [
    `rows read: ${read}`,
    `added: ${added}`,
    `unchanged: ${unchanged}`,
    `rejected: ${rejected}${rejected > 0 ? ` (see ${rejectedFile})` : ""}`,
    `dates out of range, set to null: ${dateOutOfRange}`,
    `NaN, NULL and the like, set to null: ${emptied}`,
    `ISBNs mended: ${isbnMended}`,
    `seconds: ${seconds.toFixed(1)}`,
  ].join("\n");
}

function fail(message: string): void {
  console.error(message.replaceAll(/\s*\n\s*/g, " "));
  process.exitCode = 1;
}
