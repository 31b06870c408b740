import type { Operation } from "../history/operation.ts";

/** A write to a register. `author` is its unique value, null for what frees the title. */
export interface Write {
  readonly author: string | null;
  readonly from: number;
  /** Without end when the outcome is unknown: it may take effect at any time. */
  readonly to: number;
  readonly operation: Operation | undefined;
}

const INITIAL: Write = { author: null, from: -1, to: -1, operation: undefined };

/** One title, and what was written to it. */
export class Register {
  #byAuthor = new Map<string, Write>();
  #freeing: Write[] = [INITIAL];
  #acknowledged: Write[] = [];
  /** For each freeing write, of it and all that began earlier the one that ended last. */
  #lastEnded: Write[] = [INITIAL];
  /** For each acknowledged write, of it and all that began later the one that ended first; made when it is needed. */
  #firstEnded: Write[] | undefined = [];

  /** In the order of invocation. */
  add(write: Write): void {
    if (Number.isFinite(write.to)) {
      this.#acknowledged.push(write);
      this.#firstEnded = undefined;
    }
    if (write.author !== null) {
      this.#byAuthor.set(write.author, write);
      return;
    }
    this.#freeing.push(write);
    const last = this.#lastEnded.at(-1) as Write;
    this.#lastEnded.push(write.to > last.to ? write : last);
  }

  /**
   * The write of a value that was read from one instant to another, and an acknowledged one that came after it and before
   * the read. An absence may be of any write that had begun: the most recent counts.
   */
  judge(author: string | null, from: number, to: number): { write: Write | undefined; newer: Write | undefined } {
    const write = author === null ? this.#lastEnded[beganUntil(this.#freeing, to) - 1] : this.#byAuthor.get(author);
    if (!write || write.from >= to) return { write: undefined, newer: undefined };
    this.#firstEnded ??= firstEndedOf(this.#acknowledged);
    const first = this.#firstEnded[beganUntil(this.#acknowledged, write.to)];
    return { write, newer: first && first.to < from ? first : undefined };
  }

  get size(): number {
    return this.#byAuthor.size + this.#freeing.length + this.#acknowledged.length;
  }

  /** A register with some of the writes. */
  filter(keep: (write: Write) => boolean): Register {
    const other = new Register();
    const writes = [...this.#byAuthor.values(), ...this.#freeing].sort((a, b) => a.from - b.from);
    for (const write of writes) if (write !== INITIAL && keep(write)) other.add(write);
    return other;
  }

  /**
   * Forgets the writes that were overwritten before an instant: whoever shows one after that shows what nobody wrote. Of
   * those whose outcome was never told those are kept that are in force.
   */
  forget(before: number, isInForce: (write: Write) => boolean): void {
    const newest = this.#acknowledged.findLast(({ to }) => to < before);
    const kept = this.filter((write) => {
      if (write.from >= before) return true;
      if (!Number.isFinite(write.to)) return isInForce(write);
      return !newest || write === newest || write.to >= newest.from;
    });
    this.#byAuthor = kept.#byAuthor;
    this.#freeing = kept.#freeing;
    this.#lastEnded = kept.#lastEnded;
    this.#acknowledged = kept.#acknowledged;
    this.#firstEnded = kept.#firstEnded;
  }
}

function firstEndedOf(acknowledged: readonly Write[]): Write[] {
  const firstEnded = [...acknowledged];
  for (let index = firstEnded.length - 2; index >= 0; index--) {
    const [own, later] = [firstEnded[index] as Write, firstEnded[index + 1] as Write];
    if (later.to < own.to) firstEnded[index] = later;
  }
  return firstEnded;
}

/** How many of the writes, which stand in the order of their beginning, had begun at `instant`. */
function beganUntil(writes: readonly Write[], instant: number): number {
  let [low, high] = [0, writes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((writes[middle] as Write).from > instant) high = middle;
    else low = middle + 1;
  }
  return low;
}
