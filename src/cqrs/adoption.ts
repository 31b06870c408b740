import { isDeepStrictEqual } from "node:util";
import type { Command, Decision, Decisions, Keys, Refused } from "./decisions.ts";

/** No aggregate has a command of this kind. */
const ADOPT = "adopt what is not logged";

/**
 * Makes a change of what somebody has done to a row by hand, so that the log, read models and subscribers learn of it.
 * Every stream takes it beside the commands of its own.
 */
export interface Adoption<T> extends Command {
  readonly kind: typeof ADOPT;
  readonly id: number;
  /** What the newest entry of the log has left of the instance; null for nothing. */
  readonly logged: Partial<T> | null;
  /** What the table has of it; null for nothing. */
  readonly row: T | null;
}

/** Why it is not done: the row has become another one meanwhile. */
const MOVED_ON: Refused = { kind: "moved on" };

export function adoptionOf<T>(id: number, logged: Partial<T> | null, row: T | null): Adoption<T> {
  return { kind: ADOPT, id, logged, row };
}

/** Decisions that know what to do with an {@link Adoption} as well. */
export function adopting<T, C extends Command, R extends Refused>(
  decisions: Decisions<T, C, R>,
): Decisions<T, C | Adoption<T>, R | Refused> {
  const isAdoption = (command: C | Adoption<T>): command is Adoption<T> => command.kind === ADOPT;
  return {
    ...decisions,
    keys: (command) =>
      isAdoption(command) ? ({ id: [command.id] } as unknown as Keys<T>) : decisions.keys(command as C),
    adds: (command) => !isAdoption(command) && decisions.adds(command as C),
    decide(command, found, next): Decision<T, R | Refused> {
      if (!isAdoption(command)) return decisions.decide(command as C, found, next);
      const row = found.find("id" as keyof T & string, command.id as never) ?? null;
      // a command that came in between has found the row as it was, and logged it so
      if (!isDeepStrictEqual({ ...row }, { ...command.row })) return { refused: MOVED_ON };
      const after = row && (decisions.touched?.(row, found, next) ?? row);
      return { kind: "adopt", was: command.logged as T | null, before: row, after };
    },
  };
}
