import { readFileSync } from "node:fs";

type Environment = Readonly<Record<string, string | undefined>>;

/** Settings that a file may hold instead, as orchestrators hand out secrets: `NAME_FILE` is its path. */
const IN_FILES = ["DATABASE_URL", "REDIS_URL", "AUTH_JWT_SECRET"];

/** Behind a value, as editors and `echo` leave one. */
export const END_OF_LINE = /\r?\n$/;

/**
 * The environment with what the files hold, and a line for each that cannot be used. An end of line behind the value is no
 * part of it.
 */
export function withSecretsOfFiles(env: Environment): { env: Environment; faults: readonly string[] } {
  const faults: string[] = [];
  const found: Record<string, string> = {};
  for (const name of IN_FILES) {
    const path = env[`${name}_FILE`];
    if (path === undefined) continue;
    const text = readText(path);
    if (env[name] !== undefined) faults.push(`${name}_FILE and ${name} are both set; only one may be.`);
    else if (typeof text !== "string") faults.push(`${name}_FILE cannot be read (${text.code}).`);
    else if (text === "") faults.push(`${name}_FILE is empty.`);
    else found[name] = text;
  }
  return { env: { ...env, ...found }, faults };
}

function readText(path: string): string | { readonly code: string | undefined } {
  try {
    return readFileSync(path, "utf8").replace(END_OF_LINE, "");
  } catch (error) {
    return { code: (error as NodeJS.ErrnoException).code };
  }
}
