import { setTimeout as sleep } from "node:timers/promises";
import { isDatabaseInUse } from "../cqrs/database/engine-of.ts";
import { StartupError } from "../cqrs/errors.ts";

/**
 * Looks several times: a connection outlives the process that it belonged to by a moment.
 *
 * @throws StartupError when something stays connected to the database
 */
export async function requireUnused(url: string, command: string): Promise<void> {
  for (let look = 0; look < 5; look++) {
    if (!(await isDatabaseInUse(url))) return;
    await sleep(200);
  }
  throw new StartupError([
    "Something is connected to the database. Stop every process of the service first; " +
      `if it is none of them: npm run ${command} ${command.includes("--") ? "" : "-- "}--force`,
  ]);
}
