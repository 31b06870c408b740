import { setTimeout as sleep } from "node:timers/promises";
import { readGroundTruth } from "./change-log.ts";
import type { Cluster, Member } from "./cluster.ts";
import type { History } from "./history.ts";
import type { Random } from "./random.ts";

/**
 * While no process runs, the database is restored from a copy or made anew, under the same Redis, which then holds a
 * history that never was. What was done since the copy is a lost part of the run.
 */
export async function restoreDatabase({ database, members }: Cluster, history: History, random: Random): Promise<void> {
  const anew = random.chance(0.25);
  let from = 0;
  if (!anew) {
    await whileNoneRuns(members, "SIGTERM", async () => {
      await database.backUp();
      from = history.order;
    });
    await sleep(random.between(300, 2000));
  }
  await whileNoneRuns(members, random.pick(["SIGTERM", "SIGKILL"]), async () => {
    history.lose(from, await readGroundTruth(database.url));
    await (anew ? database.renew() : database.restore());
  });
}

async function whileNoneRuns(
  members: readonly Member[],
  signal: "SIGTERM" | "SIGKILL",
  work: () => Promise<void>,
): Promise<void> {
  const deaths = members.map((member) => member.kill(signal));
  await Promise.all(deaths.map(({ exited }) => exited));
  await work();
  await Promise.all(deaths.map(({ restart }) => restart()));
}
