import { openDatabase } from "./app.ts";
import { ConfigService } from "./config.ts";
import { StartupError } from "./cqrs/errors.ts";

try {
  const { orm, ...streams } = await openDatabase(ConfigService.load(process.env).databaseUrl);
  console.log("This is safe only while no process of the service uses the database.");
  for (const stream of Object.values(streams)) {
    const forgotten = await stream.forgetReadModel();
    console.log(
      `${stream.definition.name}: ${forgotten ? `forgot the read model ${forgotten}` : "had no read model"}.`,
    );
  }
  await orm.close();
} catch (error) {
  if (!(error instanceof StartupError)) throw error;
  for (const line of error.lines) console.error(line);
  process.exitCode = 1;
}
