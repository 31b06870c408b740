import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onFinished } from "../../../test/support/cleanup.ts";
import { freePort } from "../../../test/support/network/port.ts";
import { type RedisServer, startRedis } from "../../../test/support/redis/server.ts";
import { inherited } from "../../../test/support/service/environment.ts";
import { GraphqlClient } from "../../../test/support/service/graphql-client.ts";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { eventually } from "../../../test/support/wait.ts";

/** The example as `npm start` starts it. */
export interface Example {
  /** Where the pages are. */
  readonly url: string;
  /** A colleague, who changes the catalogue by another way. */
  readonly colleague: GraphqlClient;
  readonly redis: RedisServer;
}

/** Starts it with its sample books, a Redis, and ports and a database of its own. */
export async function startExample(): Promise<Example> {
  const redis = await startRedis();
  const [PORT, SERVICE_PORT] = [String(await freePort()), String(await freePort())];
  const env = { ...inherited, PORT, SERVICE_PORT, DATA: temporaryDirectory(), REDIS_URL: redis.url };
  const start = fileURLToPath(new URL("../start.js", import.meta.url));
  const child = spawn(process.execPath, [start], { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  onFinished(async () => {
    if (child.exitCode !== null) return;
    child.kill();
    await once(child, "exit");
  });
  await eventually(
    "the example is ready",
    () => {
      if (child.exitCode !== null) throw new Error(`it did not start: ${output}`);
      return output.includes("Local:") && output.includes("ready: ");
    },
    120_000,
  );
  return {
    url: `http://127.0.0.1:${PORT}/`,
    colleague: new GraphqlClient(`http://127.0.0.1:${SERVICE_PORT}/graphql`),
    redis,
  };
}
