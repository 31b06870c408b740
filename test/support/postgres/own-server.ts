import { writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { endWithTest } from "../cleanup.ts";
import { freePort } from "../network/port.ts";
import { temporaryDirectory } from "../temporary-directory.ts";
import { initdb, readyServer, runAsServer, spawnServer } from "./server.ts";

/** A PostgreSQL server of the test's own, for what the one of the run cannot be set to. */
export interface PostgresCluster {
  readonly port: number;
  /** Of its socket, data and certificate. */
  readonly directory: string;
  /** The certificate of its own making, for `localhost` and 127.0.0.1. */
  readonly certificate: string;
  /** Runs a statement as the superuser. */
  run(statement: string): Promise<void>;
}

/** Starts a server that speaks TLS, with these lines of pg_hba.conf. It ends with the test. */
export async function startCluster(hba: string): Promise<PostgresCluster> {
  const directory = temporaryDirectory();
  const data = join(directory, "data");
  initdb(data);
  writeFileSync(join(data, "pg_hba.conf"), `local all postgres trust\n${hba}\n`);
  const certificate = join(directory, "server.crt");
  const key = join(directory, "server.key");
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const request = ["req", "-new", "-x509", "-days", "2", "-nodes", ...names, "-keyout", key, "-out", certificate];
  runAsServer(directory, "openssl", ...request);
  const port = await freePort();
  const server = spawnServer(data, port, "ssl=on", `ssl_cert_file=${certificate}`, `ssl_key_file=${key}`);
  endWithTest(server, "SIGINT");
  await readyServer(server);
  return {
    port,
    directory,
    certificate,
    run: async (statement) => {
      const client = new pg.Client({ host: directory, port, user: "postgres", database: "postgres" });
      await client.connect();
      await client.query(statement).finally(() => client.end());
    },
  };
}
