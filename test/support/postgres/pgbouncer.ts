import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { endWithTest } from "../cleanup.ts";
import { freePort } from "../network/port.ts";
import { programPath } from "../suite/programs.ts";
import { temporaryDirectory } from "../temporary-directory.ts";
import { spawnAsServer } from "./server.ts";

/** Starts a PgBouncer in transaction mode, whose database `alias` is the one at `url`. It ends with the test. */
export async function startPgBouncer(url: string): Promise<string> {
  const { hostname, port: target, username, pathname } = new URL(url);
  const alias = `alias = host=${hostname} port=${target} dbname=${pathname.slice(1)} user=${username}`;
  const { bouncer, port } = await spawnPgBouncer(temporaryDirectory(), alias, 5);
  endWithTest(bouncer, "SIGTERM");
  return `postgresql://anybody@127.0.0.1:${port}/alias`;
}

/** Starts a PgBouncer in transaction mode with these lines of databases, each of which has so many connections at most. */
export async function spawnPgBouncer(directory: string, databases: string, connections: number) {
  const port = await freePort();
  const file = join(directory, "pgbouncer.ini");
  writeFileSync(
    file,
    `[databases]
${databases}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${connections}
max_client_conn = 1000
; a database is not copied while anything is connected to it
server_idle_timeout = 1
`,
  );
  const bouncer = spawnAsServer(directory, programPath("pgbouncer") as string, file);
  await new Promise<void>((resolve, reject) => {
    bouncer.stderr.on("data", (chunk) => /process up/.test(`${chunk}`) && resolve());
    bouncer.once("exit", () => reject(new Error("PgBouncer did not start")));
  });
  return { bouncer, port };
}
