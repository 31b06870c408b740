import { createApp, createHttpServer } from "./app.ts";
import { ConfigService } from "./config.ts";
import { StartupError } from "./cqrs/errors.ts";
import type { CannotListen } from "./http/listen.ts";
import { flushLog } from "./log.ts";
import { migrateOnly } from "./migrate-only.ts";
import { modules } from "./modules.ts";

// the log has them; Node would print them beside it, and not as JSON
process.removeAllListeners("warning");

try {
  const config = ConfigService.load(process.env, modules);
  if (config.migrate === "only") {
    for (const line of await migrateOnly(config, modules)) console.log(line);
    process.exit();
  }
  const app = await createApp(config, modules);
  const server = createHttpServer(app, config);

  const url = await server.listen(config.port, config.host).catch(async (error: CannotListen) => {
    await app.close();
    throw new StartupError([error.message], { cause: error });
  });

  let stopping = false;
  const stop = async () => {
    // npm passes a signal on that a terminal has sent to both, so it may come twice
    if (stopping) return;
    stopping = true;
    await server.close();
    await app.close();
    await flushLog();
    process.exit();
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  console.log(`ready: ${url}`);
} catch (error) {
  if (!(error instanceof StartupError)) throw error;
  for (const line of error.lines) console.error(line);
  await flushLog();
  // what did not close in time is left
  process.exit(1);
}
