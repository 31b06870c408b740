import { spawn } from "node:child_process";
import { globSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/*
 * Installs each client beside the service's own packages, has it generate and check its types, and then runs their tests. What is
 * given goes to the tests.
 */

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = join(HERE, "../..");

/** Runs a program, whose output is shown when it fails. */
function run(cwd: string, program: string, ...args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output += chunk;
      });
    }
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${basename(cwd)}: ${[program, ...args].join(" ")} has failed.\n${output}`));
    });
  });
}

/** Whether what the lock file names has been installed since it was written. */
function isInstalled(client: string): boolean {
  const written = (file: string) => statSync(join(client, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return written("node_modules/.package-lock.json") > written("package-lock.json");
}

async function prepare(client: string): Promise<void> {
  if (!isInstalled(client)) await run(client, "npm", "ci");
  await run(client, "npm", "run", "--if-present", "generate");
  await run(client, join(ROOT, "node_modules/.bin/tsc"), "-p", ".");
}

const clients = globSync("*/package.json", { cwd: HERE }).map((file) => join(HERE, dirname(file)));
console.log(`preparing ${clients.map((client) => basename(client)).join(", ")}`);
const waiting = [...clients];
const workers = Array.from({ length: Math.min(4, availableParallelism()) }, async () => {
  for (let client = waiting.shift(); client; client = waiting.shift()) await prepare(client);
});
try {
  await Promise.all(workers);
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}

const vitest = ["run", "--config", join(HERE, "vitest.config.ts"), ...process.argv.slice(2)];
const tests = spawn(join(ROOT, "node_modules/.bin/vitest"), vitest, { cwd: ROOT, stdio: "inherit" });
tests.on("close", (code) => {
  process.exitCode = code ?? 1;
});
