import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { preparePrograms } from "../test/support/suite/programs.ts";

const SOURCE = fileURLToPath(new URL("slow-fsync.c", import.meta.url));

/** How much longer the slow disk takes to make a commit durable: an ordinary cloud volume's time. */
export const FSYNC_DELAY_MS = 3;

/** What a process needs in its environment to have a slow disk; undefined where no C compiler can be had. */
export function slowDisk(directory: string): { readonly LD_PRELOAD: string } | undefined {
  const library = join(directory, "slow-fsync.so");
  const delay = `-DDELAY_US=${FSYNC_DELAY_MS * 1000}`;
  try {
    preparePrograms([{ program: "cc", debianPackage: "gcc" }], "the benchmark");
    execFileSync("cc", ["-shared", "-fPIC", "-O2", "-nostdlib", delay, "-o", library, SOURCE], { stdio: "pipe" });
  } catch (error) {
    console.error(`the workloads with a slow disk are left out: ${(error as Error).message.split("\n")[0]}`);
    return undefined;
  }
  return { LD_PRELOAD: library };
}
