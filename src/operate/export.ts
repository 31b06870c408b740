import { open } from "node:fs/promises";
import { extname } from "node:path";
import { closeDatabase, openDatabase } from "../app.ts";
import { ConfigService } from "../config.ts";
import type { OrmService } from "../cqrs/database/orm-service.ts";
import { Derivation } from "../cqrs/derivation.ts";
import { StartupError } from "../cqrs/errors.ts";
import { TablePortions } from "../cqrs/queries/table-portions.ts";
import { TableRows } from "../cqrs/queries/table-rows.ts";
import { Stream } from "../cqrs/stream.ts";
import type { Module } from "../module.ts";
import { modules } from "../modules.ts";
import { onlyFile, runCommand, UsageFault } from "./command-line.ts";
import { type ExportLines, exportLines } from "./export-lines.ts";
import { makeWholeFile } from "./whole-file.ts";

const NAMES = modules.map(({ stream }) => stream.name);

const USAGE = `Usage: npm run export -- FILE.csv | FILE.jsonl | - [--format csv|jsonl] [--of NAME]

Writes all that is stored, in its order and of one revision, to a file that does not exist yet, or with - to the standard
output (npm run --silent export -- - --format csv). The service may run meanwhile. CSV has what npm run import takes; JSON
Lines have all that there is. DATABASE_URL is read as by npm start.

  --format  csv or jsonl, where the file's name does not end with it
  --of      what to export: ${NAMES.join(" or ")}; ${NAMES[0]} unless given
  --help    shows this text`;

const OPTIONS = { format: { type: "string" }, of: { type: "string" } } as const;

/** How many rows are read at once, at most. */
const PORTION_ROWS = 1000;

// each write is told of it, too
process.stdout.on("error", () => {});

await runCommand(USAGE, OPTIONS, async ({ values, positionals }) => {
  const file = onlyFile("export", positionals);
  const module = moduleOf(values.of ?? NAMES[0]);
  const lines = linesOf(module, values.format === undefined ? extname(file) : `.${values.format}`);
  const config = ConfigService.load(process.env, modules);
  const orm = await openDatabase(config.databaseUrl, modules, config);
  try {
    const toFile = async (path: string) => {
      const output = await open(path, "w");
      try {
        return await writeAll(orm, module, lines, async (text) => void (await output.write(text)));
      } finally {
        await output.close();
      }
    };
    const { revision, count } = await (file === "-"
      ? writeAll(orm, module, lines, toStandardOutput)
      : makeWholeFile(file, toFile));
    console.error(`${module.stream.name}: ${count} as of revision ${revision}`);
  } finally {
    await closeDatabase(orm);
  }
});

async function writeAll(
  orm: OrmService,
  { stream }: Module,
  { header, lines }: ExportLines,
  write: (text: string) => Promise<void>,
): Promise<{ readonly revision: number; readonly count: number }> {
  const rows = new TableRows(orm, new Stream(orm, stream), new Derivation(orm, stream));
  return new TablePortions(rows).inOrder(PORTION_ROWS, async ({ revision }, all) => {
    let count = 0;
    await write(header);
    for await (const { rows } of all) {
      await write(lines(rows));
      count += rows.length;
    }
    return { revision, count };
  });
}

function moduleOf(name: string | undefined): Module {
  const module = modules.find(({ stream }) => stream.name === name);
  if (module) return module;
  throw new UsageFault([`--of must be ${NAMES.join(" or ")}.`]);
}

function linesOf(module: Module, ending: string): ExportLines {
  const byEnding = exportLines(module);
  const lines = byEnding[ending.toLowerCase()];
  if (lines) return lines;
  const endings = Object.keys(byEnding).join(" or ");
  throw new UsageFault([`The file must end with ${endings}, or give --format csv or --format jsonl.`]);
}

/** Waits until it is taken. @throws StartupError when whoever reads it has gone */
function toStandardOutput(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error) reject(new StartupError(["The standard output was closed before all was written."]));
      else resolve();
    });
  });
}
