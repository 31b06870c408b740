import { isMutation, isRetrospect, type Operation, queriesOf } from "../history/operation.ts";
import { Register, type Write } from "./register.ts";
import type { Report } from "./violation.ts";

/**
 * Each title of a branch as a register of its own, from values and real time alone: neither the revisions in the answers
 * nor the order of the change log are believed here. A value is stale when a write that was acknowledged before the read
 * began had begun only after the value's own write had ended.
 */
export class Registers {
  readonly #registers = new Map<string, Register>();

  /** Takes a mutation that may have happened, in the order of invocation. */
  add(operation: Operation): void {
    const { request, outcome } = operation;
    // what is in stock is no part of a register's value
    if (!isMutation(request) || request.kind === "adjust") return;
    const acknowledged = outcome?.kind === "acknowledged" && operation.completed;
    const to = acknowledged ? acknowledged.order : Number.POSITIVE_INFINITY;
    const write = (title: string, author: string | null) =>
      this.#of(title).add({ author, from: operation.invoked.order, to, operation });
    const title = request.kind === "delete" ? request.title : (request.input.title ?? request.title);
    if (request.kind !== "delete") write(title, request.input.author);
    if (request.kind === "delete" || title !== request.title) write(request.title, null);
  }

  /** Takes the writes that another branch goes on from: those of which `isInherited` says so. */
  inherit(origin: Registers, isInherited: (operation: Operation) => boolean): void {
    for (const [title, register] of origin.#registers) {
      this.#registers.set(
        title,
        register.filter(({ operation }) => !operation || isInherited(operation)),
      );
    }
  }

  /** Says what is wrong with what an answer shows of the titles, but for those in `edited`. */
  check(operation: Operation, edited: ReadonlySet<string>, report: Report): void {
    const { completed, invoked } = operation;
    if (!completed) return;
    for (const [title, author] of this.#valuesOf(operation)) {
      if (edited.has(title)) continue;
      const { write, newer } = this.#of(title).judge(author, invoked.order, completed.order);
      const what = `${title} is ${author ?? "absent"}`;
      if (!write) {
        const rule = "a register holds what was written to it";
        report({ rule, what: `${what}, which nobody had written`, operations: [operation] });
      } else if (newer?.operation) {
        const rule = "a register never shows what was overwritten before";
        report({ rule, what, operations: [operation, newer.operation, ...(write.operation ? [write.operation] : [])] });
      }
    }
  }

  /**
   * Forgets what was overwritten before a place in the order of moments. `isInForce` says whether a write whose outcome
   * was never told has happened and is still to be seen.
   */
  forget(before: number, isInForce: (write: Write, title: string) => boolean): void {
    for (const [title, register] of this.#registers) register.forget(before, (write) => isInForce(write, title));
  }

  /** How many writes are remembered. */
  get size(): number {
    return [...this.#registers.values()].reduce((sum, { size }) => sum + size, 0);
  }

  #of(title: string): Register {
    let register = this.#registers.get(title);
    if (!register) {
      register = new Register();
      this.#registers.set(title, register);
    }
    return register;
  }

  /** What an answer says of each title. A list says of every title whether it is there, a page only of its own. */
  #valuesOf({ request, outcome }: Operation): (readonly [title: string, author: string | null])[] {
    if (outcome?.kind !== "read" || isMutation(request)) return [];
    // what was is no longer
    if (request.kind === "improper" || isRetrospect(request)) return [];
    return queriesOf(request).flatMap((query, place) => {
      const shown = new Map<string, string | null>();
      if (query.kind === "book" || query.kind === "form") shown.set(query.title, null);
      if (query.kind === "books") for (const title of this.#registers.keys()) shown.set(title, null);
      for (const book of outcome.answers[place]?.books ?? []) if (book) shown.set(book.title, book.author);
      return [...shown];
    });
  }
}
