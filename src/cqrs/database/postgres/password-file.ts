import { readFileSync, statSync } from "node:fs";
import type { Host, PostgresSettings } from "./connection-url.ts";

/**
 * The password that a file like `~/.pgpass` has for a host, as libpq looks it up. It is read for each new connection, so
 * that a password may be changed.
 *
 * @throws when the file may be read by others, and would have had to be used
 */
export function passwordFromFile(settings: PostgresSettings, host: Host): string | undefined {
  const { passwordFile, database, user } = settings;
  let text: string;
  try {
    text = readFileSync(passwordFile, "utf8");
  } catch {
    return undefined;
  }
  // libpq looks a socket in the usual place up as localhost
  const name = host.name.startsWith("/var/run/") || host.name === "/tmp" ? "localhost" : host.name;
  const wanted = [name, `${host.port}`, database, user];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    const fields = line.match(/(?:\\.|[^:\\])*(?::|$)/g)?.map((field) => field.replace(/:$/, "")) ?? [];
    if (fields.length < 5 || !wanted.every((value, i) => fields[i] === "*" || unescaped(fields[i]) === value)) continue;
    if ((statSync(passwordFile).mode & 0o077) !== 0)
      throw new Error("the password file may be read by others, so it is not used: chmod 600");
    return unescaped(fields[4]);
  }
  return undefined;
}

function unescaped(field = ""): string {
  return field.replace(/\\(.)/g, "$1");
}
