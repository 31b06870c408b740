import { execFileSync } from "node:child_process";
import { appendFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../temporary-directory.ts";
import type { Environment } from "./program.ts";
import { type ServiceProcess, startProcess } from "./service-process.ts";

const NAMESPACE = ["unshare", process.getuid?.() === 0 ? "-m" : "-rm"] as const;
const MOUNT = 'mount -t tmpfs -o size=1m books "$0" && exec "$@"';

/** Whether this machine lets a process have a file system of its own. */
export function canMount(): boolean {
  try {
    execFileSync(NAMESPACE[0], [NAMESPACE[1], "sh", "-c", MOUNT, "/mnt", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** The command through which a program is started that sees a disk of 1 MB at this directory, which nobody else does. */
export function onSmallDisk(directory: string): readonly string[] {
  return [...NAMESPACE, "sh", "-c", MOUNT, directory];
}

export interface SmallDisk {
  readonly service: ServiceProcess;
  fill(): void;
  makeRoom(): void;
}

/** Starts a process whose SQLite database is on a disk of 1 MB that nobody else has. */
export async function startOnSmallDisk(env: Environment = {}): Promise<SmallDisk> {
  const directory = temporaryDirectory();
  const DATABASE_URL = `sqlite:${join(directory, "books.db")}`;
  const service = await startProcess({ ...env, DATABASE_URL }, "src/main.ts", onSmallDisk(directory));
  // the disk as the process sees it
  const filler = join(`/proc/${service.child.pid}/root`, directory, "filler");
  return {
    service,
    fill: () => {
      for (const size of [64_000, 4_000, 100]) {
        try {
          for (;;) appendFileSync(filler, Buffer.alloc(size));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
        }
      }
    },
    makeRoom: () => rmSync(filler),
  };
}
