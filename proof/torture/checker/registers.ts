import { isMutation, type Operation } from "../history.ts";
import type { Edits } from "./edits.ts";
import type { Violation } from "./violation.ts";

/** A write to a register. `author` is its unique value, null for the titles that it frees. */
interface Write {
  readonly author: string | null;
  readonly from: number;
  /** Without end when the outcome is unknown: it may take effect at any time. */
  readonly to: number;
  readonly operation: Operation | undefined;
}

/**
 * Each title as a register of its own, from values and real time alone: neither the revisions in the answers nor the
 * change log are believed here. A value is stale when a write that was acknowledged before the read began had begun
 * only after the value's own write had ended.
 */
export function checkRegisters(operations: readonly Operation[], edits: Edits): Violation[] {
  const registers = registersOf(operations);
  const violations: Violation[] = [];
  for (const operation of operations) {
    const { completed, invoked } = operation;
    if (!completed) continue;
    const edited = edits.titlesFor(operation);
    for (const [title, author] of valuesOf(operation, registers)) {
      if (edited.has(title)) continue;
      const register = registers.get(title);
      const write = register ? register.writeOf(author, completed.order) : author === null ? INITIAL : undefined;
      const show = `${title} is ${author ?? "absent"}`;
      if (!write) {
        const rule = "a register holds what was written to it";
        violations.push({ rule, what: `${show}, which nobody had written`, operations: [operation] });
        continue;
      }
      const newer = register?.acknowledgedBetween(write.to, invoked.order);
      if (newer?.operation) {
        const rule = "a register never shows what was overwritten before";
        const operations = [operation, newer.operation, ...(write.operation ? [write.operation] : [])];
        violations.push({ rule, what: show, operations });
      }
    }
  }
  return violations;
}

const INITIAL: Write = { author: null, from: -1, to: -1, operation: undefined };

class Register {
  readonly #byAuthor = new Map<string, Write>();
  readonly #freeing: Write[] = [INITIAL];
  readonly #acknowledged: Write[] = [];
  /** For each freeing write, of it and all that began earlier the one that ended last. */
  readonly #lastEnded: Write[] = [INITIAL];
  /** For each acknowledged write, of it and all that began later the one that ended first. */
  #firstEnded: Write[] = [];

  /** In the order of invocation. */
  add(write: Write): void {
    if (Number.isFinite(write.to)) this.#acknowledged.push(write);
    if (write.author !== null) {
      this.#byAuthor.set(write.author, write);
      return;
    }
    this.#freeing.push(write);
    const last = this.#lastEnded.at(-1) as Write;
    this.#lastEnded.push(write.to > last.to ? write : last);
  }

  /** To be called after the last `add`. */
  seal(): void {
    this.#firstEnded = [...this.#acknowledged];
    for (let index = this.#firstEnded.length - 2; index >= 0; index--) {
      const [own, later] = [this.#firstEnded[index] as Write, this.#firstEnded[index + 1] as Write];
      if (later.to < own.to) this.#firstEnded[index] = later;
    }
  }

  /** The write of a value that was read before `before`. An absence may be any that had begun: the most recent counts. */
  writeOf(author: string | null, before: number): Write | undefined {
    if (author === null) return this.#lastEnded[beganUntil(this.#freeing, before) - 1];
    const write = this.#byAuthor.get(author);
    return write && write.from < before ? write : undefined;
  }

  /** An acknowledged write that began after `after` and ended before `before`. */
  acknowledgedBetween(after: number, before: number): Write | undefined {
    const first = this.#firstEnded[beganUntil(this.#acknowledged, after)];
    return first && first.to < before ? first : undefined;
  }
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

function registersOf(operations: readonly Operation[]): Map<string, Register> {
  const registers = new Map<string, Register>();
  const write = (title: string, author: string | null, operation: Operation) => {
    const register = registers.get(title) ?? new Register();
    registers.set(title, register);
    const acknowledged = operation.outcome?.kind === "acknowledged" && operation.completed;
    const to = acknowledged ? acknowledged.order : Number.POSITIVE_INFINITY;
    register.add({ author, from: operation.invoked.order, to, operation });
  };
  for (const operation of operations) {
    const { request, outcome } = operation;
    if (!isMutation(request)) continue;
    if (outcome && outcome.kind !== "acknowledged" && (outcome.kind !== "failed" || outcome.definite)) continue;
    if (request.kind === "delete") write(request.title, null, operation);
    else {
      const title = request.input.title ?? request.title;
      write(title, request.input.author, operation);
      if (title !== request.title) write(request.title, null, operation);
    }
  }
  for (const register of registers.values()) register.seal();
  return registers;
}

/** What an answer says of each title. A list says of every title whether it is there, a page only of its own. */
function valuesOf(
  { request, outcome }: Operation,
  registers: ReadonlyMap<string, Register>,
): [string, string | null][] {
  if (outcome?.kind !== "read") return [];
  const shown = new Map<string, string | null>();
  if (request.kind === "book" || request.kind === "form") shown.set(request.title, null);
  if (request.kind === "books") for (const title of registers.keys()) shown.set(title, null);
  for (const { title, author } of outcome.books) shown.set(title, author);
  return [...shown];
}
