import { basename } from "node:path";
import { parseArgs } from "node:util";
import { createApp } from "./app.ts";
import { importFields } from "./books/import/csv-rows.ts";
import { type ImportSummary, importBooks } from "./books/import/import-books.ts";
import { showProgress } from "./books/import/progress.ts";
import { ConfigService } from "./config.ts";
import { StartupError } from "./cqrs/errors.ts";

const USAGE = `Usage: npm run import -- FILE.csv [--columns field=header,...]

Adds the books of a CSV file (UTF-8, commas, the first line names the columns) to the catalogue. It may be run again:
books that are stored as the file has them count as unchanged. The service may run meanwhile.

  --columns  which column holds which field, for example: title=title,author=authors,isbn=isbn
             Fields: ${importFields.join(", ")}.
             Without it, each column is named as the field. Other columns are ignored.
  --help     shows this text

A year alone becomes its first of January; one that no date can hold (before 1, after 9999) becomes empty and is
counted. ISBNs that lost the zeros that they begin with are mended. Rows that are refused are written, with line and
reason, to FILE.rejected.csv. DATABASE_URL, REDIS_URL and the rest of the environment are read as by npm start; only
LOG_LEVEL is warn here unless set.

Exit code: 0 when the file was dealt with to its end, rejected rows included; 1 when it was not; 130 or 143 when
interrupted.`;

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

try {
  const { values, positionals } = parseArgs({
    options: { columns: { type: "string" }, help: { type: "boolean" } },
    allowPositionals: true,
  });
  const [file, ...more] = positionals;
  if (values.help) console.log(USAGE);
  else if (file === undefined || more.length > 0) fail("give one file: npm run import -- FILE.csv (--help says more)");
  else await run(file, values.columns);
} catch (error) {
  const lines = error instanceof StartupError ? error.lines : [(error as Error).message.replaceAll(/\s*\n\s*/g, " ")];
  for (const line of lines) fail(line);
}

async function run(file: string, columns: string | undefined): Promise<void> {
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
  const app = await createApp(ConfigService.load({ LOG_LEVEL: "warn", ...process.env }));
  try {
    const progress = showProgress(basename(file), process.stderr);
    const summary = await importBooks(app.bookCommands, {
      file,
      columns,
      onProgress: progress.update,
      signal: interruption.signal,
    }).finally(progress.end);

    console.log(report(summary, (performance.now() - begin) / 1000));
    const resume = `The rows up to line ${summary.lastLine} are dealt with; run the import again to go on.`;
    if (summary.failure) fail(`${summary.failure.message} ${resume}`);
    else if (interruptedBy) {
      fail(`Interrupted by ${interruptedBy}. ${resume}`);
      process.exitCode = EXIT_CODES[interruptedBy];
    }
  } finally {
    await app.close();
  }
}

function report(summary: ImportSummary, seconds: number): string {
  const { read, added, unchanged, rejected, rejectedFile, datesOutOfRange, isbnsMended } = summary;
  return [
    `rows read: ${read}`,
    `added: ${added}`,
    `unchanged: ${unchanged}`,
    `rejected: ${rejected}${rejected > 0 ? ` (see ${rejectedFile})` : ""}`,
    `dates out of range, set to null: ${datesOutOfRange}`,
    `ISBNs mended: ${isbnsMended}`,
    `seconds: ${seconds.toFixed(1)}`,
  ].join("\n");
}

function fail(message: string): void {
  console.error(message);
  process.exitCode = 1;
}
