import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { onTestFinished } from "vitest";
import { createApp } from "../../src/app.ts";
import { bookCommands } from "../../src/books/commands/book-command-handler.ts";
import { type ImportOptions, type ImportSummary, importBooks } from "../../src/books/import/import-books.ts";
import { rejectedPath } from "../../src/books/import/rejected-rows.ts";
import { ConfigService } from "../../src/config.ts";
import { modules } from "../../src/modules.ts";
import { temporaryDirectory } from "./cleanup.ts";
import type { GraphqlClient } from "./client.ts";
import { type Environment, spawnProgram } from "./program.ts";

/** How an import ended. `counts` are the numbers of its summary by their labels; empty when it printed none. */
export interface ImportResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly counts: Readonly<Record<string, number>>;
}

/** An import in a process of its own, started as `npm run import` does. It ends with the test. */
export interface ImportProcess {
  readonly child: ChildProcess;
  /** What it has written to standard error so far. */
  readonly stderr: () => string;
  readonly ended: Promise<ImportResult>;
}

export function startImport(env: Environment, ...args: string[]): ImportProcess {
  const { child, stdout, stderr } = spawnProgram("src/import.ts", args, env);
  const closed = once(child, "close");
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await closed;
  });
  const ended = closed.then(() => ({
    code: child.exitCode,
    stdout: stdout(),
    stderr: stderr(),
    counts: parseCounts(stdout()),
  }));
  return { child, stderr, ended };
}

/** Runs an import to its end. */
export function runImport(env: Environment, ...args: string[]): Promise<ImportResult> {
  return startImport(env, ...args).ended;
}

/** Runs an import in this process: what `startImport` runs, without the command line. */
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

/** Writes a file into a directory that goes with the test, and returns its path. */
export function writeFixture(name: string, content: string | Uint8Array): string {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, content);
  return path;
}

/** The columns of `manyBooks` and of most files of the tests. */
export const HEADER = "title,author,publishedDate,isbn,stockQuantity";

/** A file of `count` books. */
export function manyBooks(count: number): string {
  const rows = Array.from({ length: count }, (_, index) => `Imported ${index},Author Name,,,1`);
  return writeFixture("books.csv", [HEADER, ...rows].join("\n"));
}

/** The rejected rows of `books.csv` as records: line, reason, and the original columns. */
export function rejectedRows(file: string): string[][] {
  const path = rejectedPath(file);
  return existsSync(path) ? parse(readFileSync(path), { relax_column_count: true, relax_quotes: true }) : [];
}

/** What an import made of the rows, without how long it took. */
export function outcome({ code, counts }: ImportResult): Record<string, number | null | undefined> {
  const { "rows read": read, added, unchanged, rejected } = counts;
  return { code, read, added, unchanged, rejected };
}

/** Every book, by the fields that an import sets. */
export async function storedBooks(service: GraphqlClient): Promise<Record<string, unknown>[]> {
  const { data } = await service.ask("{ books { title author publishedDate isbn stockQuantity version } }");
  return data.books;
}

function parseCounts(stdout: string): Record<string, number> {
  return Object.fromEntries(
    [...stdout.matchAll(/^(.+?): ([\d.]+)/gm)].map(([, label, count]) => [label, Number(count)]),
  );
}
