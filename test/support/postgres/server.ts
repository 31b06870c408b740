import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { chownSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { findBinaries } from "./programs.ts";

type Server = ChildProcessByStdio<null, null, Readable>;

/** Runs a program to its end, as the user that servers run as, in a directory that is to be theirs. */
export function runAsServer(directory: string, program: string, ...args: readonly string[]): void {
  const user = databaseUser();
  if (user) chownSync(directory, user.uid, user.gid);
  execFileSync(program, args, { ...user, cwd: directory, stdio: "ignore" });
}

/** Starts a program as the user that servers run as, in a directory that is theirs. */
export function spawnAsServer(directory: string, program: string, ...args: readonly string[]): Server {
  const user = databaseUser();
  if (user) chownSync(directory, user.uid, user.gid);
  return spawn(program, args, { ...user, cwd: directory, stdio: ["ignore", "ignore", "pipe"] });
}

/** Makes an empty data directory, whose superuser is `postgres`. */
export function initdb(data: string): void {
  const options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"];
  runAsServer(dirname(data), join(findBinaries() as string, "initdb"), "-D", data, ...options);
}

/** Starts a server on a data directory, with a socket beside it. `settings` are as in postgresql.conf. */
export function spawnServer(data: string, port: number, ...settings: readonly string[]): Server {
  const options = ["listen_addresses=127.0.0.1", ...settings].flatMap((setting) => ["-c", setting]);
  const place = ["-D", data, "-p", `${port}`, "-k", dirname(data)];
  return spawnAsServer(dirname(data), join(findBinaries() as string, "postgres"), ...place, ...options);
}

/** Waits until a server that is starting accepts connections. */
export async function readyServer(server: Server): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let log = "";
    server.stderr.on("data", (chunk) => {
      log += chunk;
      if (/ready to accept (read-only )?connections/.test(log)) resolve();
    });
    server.once("exit", () => reject(new Error(`PostgreSQL did not start: ${log}`)));
  });
}

/** PostgreSQL refuses to run as root; it then runs as the user that its package made. */
function databaseUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}
