import { createApp, createHttpServer } from "./app.ts";
import { ConfigService } from "./config.ts";
import { StartupError } from "./cqrs/errors.ts";

try {
  const config = ConfigService.load(process.env);
  const app = await createApp(config);
  const server = createHttpServer(app, config);

  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= server.close().then(() => app.close());
    return stopping;
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);

  const url = await server.listen(config.port, config.host).catch(async (error: NodeJS.ErrnoException) => {
    await stop();
    throw new StartupError([`PORT, HOST: cannot listen on ${config.host}:${config.port}: ${error.message}`]);
  });
  console.log(`ready: ${url}`);
} catch (error) {
  if (!(error instanceof StartupError)) throw error;
  for (const line of error.lines) console.error(line);
  process.exitCode = 1;
}
