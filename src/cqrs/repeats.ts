import type { Change, Effect } from "./change.ts";

/** A key that the sender of a command chose for it. */
export interface SentKey {
  readonly key: string;
  /** Stands for all that is asked for. The same key with another digest asks for something else. */
  readonly digest: string;
}

/** What keeps a command from being done twice. */
export interface Once extends SentKey {
  /** Whose key it is: others may choose the same. */
  readonly subject: string;
}

/** A key under which a command was done, with that command's place in the change log. */
export interface Kept extends Once {
  readonly revision: number;
}

/** A key that was found, with what was done under it; undefined where the change log has that no more. */
export interface Done<T> extends Once {
  readonly effect: Effect<T> | undefined;
}

/** The keys of a batch: those that were found, and those under which its own commands were done. */
export class Repeats<T> {
  readonly #done = new Map<string, Done<T>>();
  readonly #kept: Kept[] = [];
  #repeated: Once | undefined;

  constructor(found: readonly Done<T>[]) {
    for (const done of found) this.#done.set(nameOf(done), done);
  }

  /**
   * What there is to answer without a decision: what was done under the key, or that it was used for something else.
   *
   * @throws Error when what was done is no longer known
   */
  answerTo(once: Once | undefined): { readonly repeats: Effect<T> } | { readonly isReused: true } | undefined {
    const done = once && this.#done.get(nameOf(once));
    if (!done) return undefined;
    if (done.digest !== once.digest) return { isReused: true };
    if (!done.effect) throw new Error("the change log has lost what a key stands for");
    this.#repeated = once;
    return { repeats: done.effect };
  }

  /** Keeps the key under which a change was made. Without a change there is nothing to keep it for. */
  keep(once: Once | undefined, change: Change<T>): void {
    if (!once) return;
    const { kind, before, after, revision } = change;
    this.#done.set(nameOf(once), { ...once, effect: { kind, before, after } });
    this.#kept.push({ ...once, revision });
  }

  get writes(): { readonly kept: readonly Kept[]; readonly repeated: Once | undefined } {
    return { kept: this.#kept, repeated: this.#repeated };
  }
}

/** No subject and no key holds a NUL. */
function nameOf({ subject, key }: Once): string {
  return `${subject}\0${key}`;
}
