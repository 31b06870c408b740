import { setTimeout as sleep } from "node:timers/promises";
import type { FaultKind, Means } from "./faults.ts";
import { holdRow } from "./hold-row.ts";
import { midWrite } from "./mid-write.ts";

/** A process waits for twelve seconds at most for a thread that does not answer. Milliseconds. */
const GIVEN_UP_MS = 14_000;
/** How long somebody else holds the lock at most: commands wait for five seconds. Milliseconds. */
const HELD_MS = 7000;

/** What befalls the machine under a process: its threads, its disk, the lock that its commands wait for. */
export const HOST_FAULTS: Readonly<Record<string, FaultKind>> = {
  "threads killed": {
    engine: "sqlite",
    weight: 3,
    holds: ["process"],
    inflict: (means) => strike(means, "killed"),
  },
  "writing thread out of memory": {
    engine: "sqlite",
    weight: 2,
    holds: ["process"],
    inflict: (means) => strike(means, "out of memory"),
  },
  "threads hang": {
    engine: "sqlite",
    weight: 1,
    holds: ["process"],
    inflict: (means) => strike(means, "hanging"),
  },
  "disk full": {
    engine: "sqlite",
    weight: 3,
    holds: ["process"],
    inflict: async ({ member, ms, random }) => {
      await midWrite(member, random.between(0, 10));
      const makeRoom = member.fillDisk();
      await sleep(ms);
      makeRoom();
    },
  },
  /** An administrator, a backup or a process of another program has what commands wait for. */
  "row held": {
    weight: 3,
    holds: ["process"],
    inflict: async ({ member: { installation }, ms, random }) => {
      const { members, database } = installation;
      const ends = members.map((each) => each.excuse("its commands wait"));
      await holdRow(database.url, random.chance(0.8) ? ms : HELD_MS);
      for (const end of ends) end();
    },
  },
};

/** It ends when all that were struck have ended, which a busy process takes its time for. */
async function strike({ member, ms, random }: Means, what: Parameters<typeof member.strikeThreads>[0]) {
  await midWrite(member, random.between(0, 10));
  const { haveEnded, recover } = member.strikeThreads(what);
  const within = async (ended: () => boolean) => {
    const deadline = performance.now() + GIVEN_UP_MS;
    while (!ended() && performance.now() < deadline) await sleep(50);
    return ended();
  };
  if (!(await within(haveEnded))) {
    // one that hangs and is asked nothing is given up by nobody, and would be when it is over
    const killed = member.strikeThreads("killed");
    await within(killed.haveEnded);
    killed.recover();
  }
  // and when others are at work
  await sleep(ms / 2);
  recover();
}
