import { createApp, createHttpServer } from "../../src/app.ts";
import { ConfigService } from "../../src/config.ts";
import { modules } from "../../src/modules.ts";

/**
 * The service twice in one process, with tokens and a rate limit and without: what V8 has made of the code differs from
 * process to process by more than these take.
 */
const { AUTH_JWT_SECRET, RATE_LIMIT_PER_MINUTE, ...open } = process.env;
for (const [name, env] of Object.entries({ guarded: process.env, ready: open })) {
  const config = ConfigService.load(env, modules);
  const server = createHttpServer(await createApp(config, modules), config);
  console.log(`${name}: ${await server.listen(config.port, config.host)}`);
}
