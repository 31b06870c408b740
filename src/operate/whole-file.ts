import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { StartupError } from "../cqrs/errors.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Errors of the file system as an operator reads them. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "its directory does not exist",
  ENOTDIR: "its directory is none",
  EACCES: "it may not be written there",
  EROFS: "the disk is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
};

/**
 * Makes a file that is there whole or not at all, and never in place of another. `make` fills the file that it is given,
 * which is beside it, and left behind only when the process is killed.
 *
 * @throws StartupError when it cannot be
 */
export async function makeWholeFile<R>(path: string, make: (partial: string) => Promise<R>): Promise<R> {
  const directory = dirname(path);
  const partial = join(directory, `.${basename(path)}.${process.pid}.part`);
  requireFree(path);
  let isBegun = false;
  const discard = () => {
    if (isBegun) rmSync(partial, { force: true });
  };
  const interrupt = () => process.exit(1);
  // before there is anything to discard
  process.once("exit", discard);
  for (const signal of SIGNALS) process.once(signal, interrupt);
  try {
    // nobody is waited for before it is known that there is a place to write to
    closeSync(openSync(partial, "wx", 0o600));
    isBegun = true;
    const made = await make(partial);
    sync(partial);
    publish(partial, path);
    sync(directory);
    return made;
  } catch (error) {
    throw toldOf(path, error);
  } finally {
    discard();
    process.off("exit", discard);
    for (const signal of SIGNALS) process.off(signal, interrupt);
  }
}

function requireFree(path: string): void {
  if (!existsSync(path)) return;
  const what = statSync(path).isDirectory() ? "is a directory" : "exists already, and nothing is overwritten";
  throw new StartupError([`${path} ${what}; name a file that does not exist yet.`]);
}

/** A link fails where there is a file, which a rename would replace; not every disk has links. */
function publish(partial: string, path: string): void {
  try {
    linkSync(partial, path);
  } catch {
    requireFree(path);
    renameSync(partial, path);
  }
}

function sync(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function toldOf(path: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const reason = code === undefined ? undefined : REASONS[code];
  return reason === undefined ? error : new StartupError([`${path} cannot be written: ${reason}.`]);
}
