import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { onFinished, temporaryDirectory } from "./cleanup.ts";
import { programPath } from "./global-setup.ts";
import { freePort } from "./port.ts";
import { databaseUser, findBinaries, readyServer } from "./postgres-setup.ts";

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
  const bin = findBinaries() as string;
  const { directory, user } = directoryOfServer();
  const data = join(directory, "data");
  const run = (program: string, ...args: string[]) =>
    execFileSync(program, args, { ...user, cwd: directory, stdio: "ignore" });
  run(join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N");
  writeFileSync(join(data, "pg_hba.conf"), `local all postgres trust\n${hba}\n`);
  const certificate = join(directory, "server.crt");
  const key = join(directory, "server.key");
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  run("openssl", "req", "-new", "-x509", "-days", "2", "-nodes", ...names, "-keyout", key, "-out", certificate);
  const port = await freePort();
  const settings = ["listen_addresses=127.0.0.1", "ssl=on", `ssl_cert_file=${certificate}`, `ssl_key_file=${key}`];
  const options = ["-D", data, "-p", `${port}`, "-k", directory, ...settings.flatMap((one) => ["-c", one])];
  const server = spawn(join(bin, "postgres"), options, {
    ...user,
    cwd: directory,
    stdio: ["ignore", "ignore", "pipe"],
  });
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

/** Starts a PgBouncer in transaction mode, whose database `alias` is the one at `url`. It ends with the test. */
export async function startPgBouncer(url: string): Promise<string> {
  const { directory, user } = directoryOfServer();
  const { hostname, port: target, username, pathname } = new URL(url);
  const port = await freePort();
  const file = join(directory, "pgbouncer.ini");
  writeFileSync(
    file,
    `[databases]
alias = host=${hostname} port=${target} dbname=${pathname.slice(1)} user=${username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 5
`,
  );
  const bouncer = spawn(programPath("pgbouncer") as string, [file], {
    ...user,
    cwd: directory,
    stdio: ["ignore", "ignore", "pipe"],
  });
  endWithTest(bouncer, "SIGTERM");
  await new Promise<void>((resolve, reject) => {
    bouncer.stderr.on("data", (chunk) => /process up/.test(`${chunk}`) && resolve());
    bouncer.once("exit", () => reject(new Error("PgBouncer did not start")));
  });
  return `postgresql://anybody@127.0.0.1:${port}/alias`;
}

function directoryOfServer() {
  const directory = temporaryDirectory();
  const user = databaseUser();
  if (user) chownSync(directory, user.uid, user.gid);
  return { directory, user };
}

function endWithTest(server: ChildProcess, signal: NodeJS.Signals): void {
  onFinished(async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill(signal);
    await once(server, "exit");
  });
}
