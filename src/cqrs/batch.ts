import type { Change, Outcome } from "./change.ts";
import type { Command, Decisions, Keys, Refused } from "./decisions.ts";
import { Instances, type Key, type Keyed } from "./instances.ts";
import { type Mark, newToken } from "./mark.ts";
import { type Done, type Kept, type Once, Repeats } from "./repeats.ts";
import type { Starts } from "./starts.ts";
import { isStorable } from "./storable.ts";

/** One command of a batch. */
export interface Asked<C> {
  readonly command: C;
  /** The revision that the command must find at least; 0 asks for nothing. */
  readonly atLeast: number;
  /** Given for one that is to be done once, however often it is asked for. */
  readonly once?: Once | undefined;
  /** Who stands in the change log for it. */
  readonly who?: string | null;
}

/** Commands that are decided in their order and committed together. */
export interface Batch<C> {
  readonly asked: readonly Asked<C>[];
  readonly starts: Starts;
}

/** What a batch does to the tables. Each row is written once, as the last command has left it. */
export interface Writes<T> {
  readonly deleted: readonly number[];
  /** Rows that give up their unique values for a moment, because other rows take them. They are among those updated. */
  readonly parked: readonly number[];
  readonly updated: readonly T[];
  readonly added: readonly T[];
  /** Entries of the change log, without a gap. The mark of the last one is the stream's new state. */
  readonly changes: readonly Change<T>[];
  /** The keys of those commands that have one and changed something. */
  readonly kept: readonly Kept[];
  /**
   * One of the keys that were asked for again. Where nothing is changed its row is, so that the commit which a repeat
   * acknowledges is on disk before: whoever made it may have died before it was.
   */
  readonly repeated: Once | undefined;
}

/** Values of unique properties, by property. */
export type KeyMap = ReadonlyMap<string, readonly Key[]>;

/** The values by which instances must be loaded before the batch is decided. */
export function keysOf<T, C extends Command, R extends Refused>(
  decisions: Decisions<T, C, R>,
  { asked }: Batch<C>,
): KeyMap {
  return together(asked.map(({ command }) => keysOfOne(decisions, command)));
}

/** The values by which more must be loaded then, because of what was loaded: mostly there are none. */
export function keysBeside<T, C extends Command, R extends Refused>(
  decisions: Decisions<T, C, R>,
  loaded: readonly T[],
): KeyMap {
  return decisions.keysOfChange ? together(loaded.map((one) => decisions.keysOfChange?.(one) ?? {})) : new Map();
}

function together<T>(all: readonly Keys<T>[]): KeyMap {
  const named = new Map<string, Set<Key>>();
  for (const keys of all) {
    for (const [property, values] of Object.entries(keys)) {
      const set = named.get(property) ?? new Set();
      for (const value of values as readonly Key[]) if (isStorable(value)) named.set(property, set.add(value));
    }
  }
  return new Map([...named].map(([property, values]) => [property, [...values]]));
}

/** A command whose keys cannot be told fails when it is decided. */
function keysOfOne<T, C extends Command>(decisions: Decisions<T, C, Refused>, command: C): Keys<T> {
  try {
    return decisions.keys(command);
  } catch {
    return {};
  }
}

/**
 * Decides the commands of a batch one after the other, each over what was loaded and what those before it did. It reads and
 * writes nothing.
 *
 * @param row the state that the batch starts from
 * @param loaded every instance that has one of the batch's keys, or of those beside them
 * @param done those of the commands that were done before, as their `once` says
 * @param nextId gives out ids, never one twice
 * @param at the time of its changes, in UTC in ISO 8601 with milliseconds
 */
export function decideBatch<T extends Keyed, C extends Command, R extends Refused>(
  decisions: Decisions<T, C, R>,
  { asked, starts }: Batch<C>,
  row: Mark,
  shape: { readonly properties: readonly string[]; readonly unique: readonly string[] },
  loaded: readonly T[],
  nextId: () => number,
  at: string,
  done: readonly Done<T>[] = [],
): { outcomes: Outcome<T, R>[]; writes: Writes<T> } {
  const instances = new Instances<T>(
    shape,
    keysOf(decisions, { asked, starts }),
    keysBeside(decisions, loaded),
    loaded,
  );
  const repeats = new Repeats<T>(done);
  const changes: Change<T>[] = [];
  let { revision, token } = row;

  const run = ({ command, atLeast, once, who = null }: Asked<C>, index: number): Outcome<T, R> => {
    const mark = { revision, token };
    if (revision < atLeast) return { ...mark, skipped: "too old" };
    if (!starts.begin(index)) return { ...mark, skipped: "withdrawn" };
    try {
      const answer = repeats.answerTo(once);
      if (answer) return { ...mark, ...answer };
      const next = { revision: revision + 1, at };
      const decision = decisions.decide(command, instances.under(decisions.keys(command)), next);
      if ("refused" in decision) return { ...mark, refused: decision.refused };
      const effect = instances.apply(decision, nextId);
      const change = { revision: revision + 1, token: newToken(), previousToken: token, who, ...effect };
      ({ revision, token } = change);
      changes.push(change);
      repeats.keep(once, change);
      return { revision, token, change };
    } catch (error) {
      // a fault of the program, which is no fault of the other commands
      return { ...mark, failure: plainError(error) };
    }
  };
  const outcomes = asked.map(run);
  return { outcomes, writes: { ...instances.writes(), changes, ...repeats.writes } };
}

/** An error that can be sent from one thread to another, whatever was thrown. */
function plainError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  return Object.assign(new Error(error.message), { name: error.name, stack: error.stack });
}
