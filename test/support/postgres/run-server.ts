import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../network/port.ts";
import { spawnPgBouncer } from "./pgbouncer.ts";
import { findBinaries, install } from "./programs.ts";
import { initdb, readyServer, spawnServer } from "./server.ts";

/** It outlives every test, and nothing that it holds is to outlive the machine; nor does it tidy up after itself. */
const UNHURRIED = ["fsync=off", "autovacuum=off", "checkpoint_timeout=1h", "full_page_writes=off"];

/** Connections that the pooler has to each database: fewer than the processes that share it would have. */
const POOLED = 20;

/**
 * Starts a PostgreSQL server for the run; tests make databases of their own in it. Names it in TEST_POSTGRES_URL. With
 * TEST_POSTGRES_POOLER they reach those through a PgBouncer in transaction mode, which TEST_POSTGRES_POOLER_URL names.
 */
export default async function startPostgres(): Promise<() => Promise<void>> {
  if (!findBinaries()) install();
  const directory = mkdtempSync(join(tmpdir(), "books-postgres-"));
  const data = join(directory, "data");
  initdb(data);
  const port = await freePort();
  const server = spawnServer(data, port, "max_connections=300", ...UNHURRIED);
  await readyServer(server);
  process.env.TEST_POSTGRES_URL = `postgresql://postgres@127.0.0.1:${port}`;
  const endPooler = process.env.TEST_POSTGRES_POOLER ? await startPooler(port) : () => {};
  return async () => {
    await endPooler();
    server.kill("SIGINT");
    await once(server, "exit");
    rmSync(directory, { recursive: true, force: true });
  };
}

async function startPooler(target: number): Promise<() => Promise<void>> {
  const directory = mkdtempSync(join(tmpdir(), "books-pgbouncer-"));
  const all = `* = host=127.0.0.1 port=${target} user=postgres`;
  const { bouncer, port } = await spawnPgBouncer(directory, all, POOLED);
  process.env.TEST_POSTGRES_POOLER_URL = `postgresql://postgres@127.0.0.1:${port}`;
  return async () => {
    bouncer.kill("SIGTERM");
    await once(bouncer, "exit");
    rmSync(directory, { recursive: true, force: true });
  };
}
