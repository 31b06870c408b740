import { closeDatabase, createApp, openDatabase, openStores } from "../app.ts";
import type { Config } from "../config.ts";
import { sqliteFileOf } from "../cqrs/database/engine-of.ts";
import type { Findings } from "../cqrs/doctor/findings.ts";
import { Repair } from "../cqrs/doctor/repair.ts";
import { rebuildWords } from "../cqrs/doctor/word-check.ts";
import type { Module } from "../module.ts";
import { requireUnused } from "./require-unused.ts";

/**
 * Puts right what can be of what was found, `found[0]` of the database and the others of the modules. What fails keeps nothing
 * else from being tried, and is said.
 */
export async function repairAll(
  config: Config,
  modules: readonly Module[],
  found: readonly Findings[],
  force: boolean,
  say: (line: string) => void,
): Promise<void> {
  const tried = (work: Promise<void>) => work.catch((error: Error) => say(`not done: ${error.message}`));
  const ofDatabase = found[0] as Findings;
  const streams = modules.map(({ stream }, index) => ({ stream, found: found[index + 1] as Findings }));
  // a command that meets a damaged index of words fails
  for (const { stream, found } of streams)
    if (found.has("words")) await tried(makeWordsAnew(config, modules, stream, force, say));
  const { orm, redis, close } = await openStores(config, modules);
  try {
    for (const index of ofDatabase.unusable) {
      await tried(Promise.resolve(orm.upkeep.mendIndex?.(index)).then(() => say(`the index ${index} was made anew`)));
    }
    const repairs = streams.map(({ stream, found }) => new Repair(orm, stream, found, say));
    for (const one of repairs) {
      await tried(one.derived());
      await tried(one.keys());
    }
    // it looks after the read model as every process does, and trims nothing meanwhile
    const app = await createApp({ ...config, redisCritical: false, keepLogMs: undefined, metrics: undefined }, modules);
    try {
      for (const [index, one] of repairs.entries()) {
        const aggregate = app.aggregates[index];
        if (!aggregate) continue;
        await tried(one.table(aggregate));
        if (config.redisUrl !== undefined) await tried(one.readModel(aggregate));
      }
    } finally {
      await app.close();
    }
    for (const one of repairs) await tried(one.leftOver(redis));
  } finally {
    await close();
  }
}

async function makeWordsAnew(
  config: Config,
  modules: readonly Module[],
  stream: Module["stream"],
  force: boolean,
  say: (line: string) => void,
): Promise<void> {
  const { databaseUrl } = config;
  if (!force && sqliteFileOf(databaseUrl) !== undefined) await requireUnused(databaseUrl, "doctor -- --repair");
  const orm = await openDatabase(databaseUrl, modules, config);
  try {
    await rebuildWords(orm, stream);
    say("the index of words was made anew");
  } finally {
    await closeDatabase(orm);
  }
}
