import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../clients/random.ts";
import type { Origin } from "../../history/branch.ts";
import { readMark } from "../change-log.ts";
import type { Installation } from "../cluster/installation.ts";

/**
 * While none of its processes runs, a database is restored from a copy or made anew, under the same Redis, which then
 * holds a history that never was. What was done since the copy stays in a branch that has ended.
 */
export async function restoreDatabase(installation: Installation, random: Random): Promise<void> {
  const { database, name } = installation;
  const anew = random.chance(0.25);
  let origin: Origin | undefined;
  if (!anew) {
    await whileNoneRuns(installation, "SIGTERM", async () => {
      await database.backUp();
      const { revision } = await readMark(database.url);
      origin = { branch: installation.branch, revision };
    });
    await sleep(random.between(300, 2000));
  }
  await whileNoneRuns(installation, random.pick(["SIGTERM", "SIGKILL"]), async () => {
    await installation.endBranch();
    await (anew ? database.renew() : database.restore());
    installation.beginBranch(`${name} ${anew ? "anew" : "restored"}`, origin);
  });
}

async function whileNoneRuns(
  { members, lock }: Installation,
  signal: "SIGTERM" | "SIGKILL",
  work: () => Promise<void>,
): Promise<void> {
  const deaths = members.map((member) => member.kill(signal));
  await Promise.all(deaths.map(({ exited }) => exited));
  // a database that was made anew can be read once a process has made its tables
  await lock.run(async () => {
    await work();
    await Promise.all(deaths.map(({ restart }) => restart()));
  });
}
