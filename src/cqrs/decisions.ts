/** What is asked of a stream, as plain data: it may be decided in another thread. */
export interface Command {
  readonly kind: string;
}

/** Why a command is refused, as plain data. It is an answer, not a failure: the command takes no revision. */
export interface Refused {
  readonly kind: string;
}

/** Values of unique properties, for which instances are looked up before a command is decided. */
export type Keys<T> = { readonly [P in keyof T & string]?: readonly (T[P] & (string | number))[] };

/** An instance before it has its id, which the database gives. */
export type New<T> = Omit<T, "id">;

/** What a command does, or why it does nothing. */
export type Decision<T, R> =
  | { readonly kind: "add"; readonly after: New<T> }
  | { readonly kind: "update"; readonly before: T; readonly after: T }
  | { readonly kind: "delete"; readonly before: T }
  /** What the log has not been told of: `was` is what it has last of the instance, which now is `before`. */
  | { readonly kind: "adopt"; readonly was: T | null; readonly before: T | null; readonly after: T | null }
  | { readonly refused: R };

/** The entry of the change log that a command makes. */
export interface Next {
  readonly revision: number;
  /** UTC, in ISO 8601 with milliseconds. */
  readonly at: string;
}

/** The instances that a command may know of: those under the keys that it named, as the commands before it left them. */
export interface Found<T> {
  /** @throws Error when the command has not named this value among its keys */
  find<P extends keyof T & string>(property: P, value: T[P]): T | undefined;
}

/**
 * The rules of an aggregate: pure functions of a command and of what was loaded for it. A thread imports them by the URL
 * of their module, which exports them as `decisions` and should import little more than types.
 */
export interface Decisions<T, C extends Command, R extends Refused> {
  /** `import.meta.url`. */
  readonly module: string;
  /** All unique values that the command is about: those that it looks for, and those that it would take. */
  keys(command: C): Keys<T>;
  /** Whether it may add an instance. */
  adds(command: C): boolean;
  /** Unique values that a change of this instance takes besides, whatever the command says; absent where there are none. */
  keysOfChange?(instance: T): Keys<T>;
  /** The instance after a change that leaves it as it is, but for what every change does; absent where that is nothing. */
  touched?(instance: T, found: Found<T>, next: Next): T;
  /** `next` is what the command makes unless it is refused. */
  decide(command: C, found: Found<T>, next: Next): Decision<T, R>;
}
