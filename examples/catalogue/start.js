import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeSampleBooks } from "./sample-books.js";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const { PORT = "5173", SERVICE_PORT = "4000", DATA = join(HERE, "data") } = process.env;
const database = join(DATA, "books.db");
const service = { ...process.env, PORT: SERVICE_PORT, DATABASE_URL: `sqlite:${database}` };
const page = { ...process.env, SERVICE_URL: `http://127.0.0.1:${SERVICE_PORT}` };

/** Runs an npm command to its end. */
function npm(cwd, ...args) {
  const { status } = spawnSync("npm", args, { cwd, env: service, stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0) process.exit(status ?? 1);
}

for (const folder of [ROOT, HERE]) if (!existsSync(join(folder, "node_modules"))) npm(folder, "ci");

if (!existsSync(database)) {
  mkdirSync(DATA, { recursive: true });
  const invented = join(DATA, "invented.csv");
  writeSampleBooks(invented);
  for (const file of [join(HERE, "classics.csv"), invented]) npm(ROOT, "run", "--silent", "import", "--", file);
}
npm(HERE, "run", "--silent", "codegen", "--", "--silent");

const vite = join(HERE, "node_modules/vite/bin/vite.js");
const running = [];

/** Runs a program for as long as the others run: one is of no use without the other. */
function run(...command) {
  const child = spawn(...command);
  running.push(child);
  child.on("exit", (code) => {
    for (const other of running) other.kill();
    process.exitCode ??= code ?? 0;
  });
  return child;
}

const { stdout } = run("npm", ["start", "--silent"], {
  cwd: ROOT,
  env: service,
  stdio: ["inherit", "pipe", "inherit"],
});
stdout.pipe(process.stdout);
// its first line says that it answers; a page that is open before would be told that it cannot be reached
stdout.once("data", () =>
  run(process.execPath, [vite, "--port", PORT, "--strictPort"], { cwd: HERE, env: page, stdio: "inherit" }),
);
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => running.map((child) => child.kill(signal)));
