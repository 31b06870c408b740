import { type ParseArgsConfig, parseArgs } from "node:util";
import { StartupError } from "../cqrs/errors.ts";
import { flushLog } from "../log.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;

/** What a command was called with. */
export interface Called<O extends Options> {
  readonly values: ReturnType<typeof parseArgs<{ options: O; allowPositionals: true }>>["values"];
  readonly positionals: readonly string[];
}

/** A command was called in a way in which it cannot be. */
export class UsageFault extends StartupError {}

const isUsageFault = (error: unknown): boolean =>
  error instanceof UsageFault || /^ERR_PARSE_ARGS/.test(String((error as NodeJS.ErrnoException).code));

/**
 * Runs one of the commands for operators, and ends the process: with 0 when `work` is through, with what it has set
 * `process.exitCode` to, or with a line for each fault when it throws, and 1, or 2 when it was called wrongly. `--help` shows
 * `usage`.
 */
export async function runCommand<O extends Options>(
  usage: string,
  options: O,
  work: (called: Called<O>) => Promise<void>,
): Promise<never> {
  // Node would print them beside what is said here
  process.removeAllListeners("warning");
  try {
    const all: Options = { ...options, help: { type: "boolean" } };
    const called = parseArgs({ options: all, allowPositionals: true });
    if (called.values.help) console.log(usage);
    else await work(called as unknown as Called<O>);
  } catch (error) {
    const lines = error instanceof StartupError ? error.lines : [(error as Error).message];
    for (const line of lines) console.error(line.replaceAll(/\s*\n\s*/g, " "));
    process.exitCode = isUsageFault(error) ? 2 : 1;
  }
  await flushLog();
  // what did not close in time is left
  process.exit();
}

/** The one file that a command is called with. @throws UsageFault when it is none or several */
export function onlyFile(command: string, positionals: readonly string[]): string {
  const [file, ...more] = positionals;
  if (file !== undefined && file !== "" && more.length === 0) return file;
  throw new UsageFault([`Give one file: npm run ${command} -- FILE (--help says more).`]);
}
