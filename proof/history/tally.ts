import type { Fault } from "./history.ts";
import { excuseOf, isMutation, type Operation } from "./operation.ts";

/** A fault that has ended may have held up what was asked for while it went on. Milliseconds. */
const REMEMBERED_MS = 15_000;

interface Slowest {
  times: number;
  read: number;
  write: number;
}

/** Counts what was done and how slow faults made it, as it happens. */
export class Tally {
  readonly outcomes = new Map<string, number>();
  readonly requests = new Map<string, number>();
  readonly slowest = new Map<string, Slowest>();
  /** When the first operation was asked for, and when the last one of the time that counts. Milliseconds. */
  #from = Number.POSITIVE_INFINITY;
  #to = 0;
  #timed = 0;
  #ended = false;
  faultCount = 0;
  /** How many were answered: where nobody listened, nothing was asked. */
  answered = 0;
  #faults: Fault[] = [];

  get operations(): number {
    return [...this.outcomes.values()].reduce((sum, count) => sum + count, 0);
  }

  /** How many operations were answered in a minute. */
  get perMinute(): number {
    return this.#timed === 0 ? 0 : this.#timed / ((this.#to - this.#from) / 60_000);
  }

  /** Ends the time for which `perMinute` speaks: what comes then is in no hurry. */
  end(ms: number): void {
    this.#ended = true;
    this.#to = ms;
  }

  /** The faults that go on. */
  get current(): readonly Fault[] {
    return this.#faults.filter(({ to }) => to === Number.POSITIVE_INFINITY);
  }

  begin(fault: Fault): void {
    this.#of(fault.kind).times++;
    this.faultCount++;
    this.#faults = this.#faults.filter(({ to }) => to > fault.from - REMEMBERED_MS);
    this.#faults.push(fault);
  }

  /** Counts an operation that has completed. */
  count(operation: Operation): void {
    const { request, invoked, completed, outcome } = operation;
    const isAnswered = outcome?.kind !== "failed" || request.kind === "improper";
    if (isAnswered) this.answered++;
    if (isAnswered && !this.#ended) {
      this.#timed++;
      this.#from = Math.min(this.#from, invoked.ms);
      this.#to = Math.max(this.#to, completed?.ms ?? invoked.ms);
    }
    increase(this.outcomes, nameOf(operation));
    increase(this.requests, request.kind);
    if (!completed || outcome?.kind === "failed") return;
    const took = completed.ms - invoked.ms;
    const side = isMutation(request) ? "write" : "read";
    let during = false;
    for (const { kind, from, to } of this.#faults) {
      if (from > completed.ms || to < invoked.ms) continue;
      during = true;
      const row = this.#of(kind);
      row[side] = Math.max(row[side], took);
    }
    if (during) return;
    const row = this.#of("(none)");
    row[side] = Math.max(row[side], took);
  }

  #of(kind: string): Slowest {
    let row = this.slowest.get(kind);
    if (!row) {
      row = { times: 0, read: 0, write: 0 };
      this.slowest.set(kind, row);
    }
    return row;
  }
}

function nameOf(operation: Operation): string {
  const { request, outcome } = operation;
  const kind = outcome?.kind === "read" ? `read from ${outcome.servedBy}` : (outcome?.kind ?? "no completion");
  const refused = outcome?.kind === "refused" ? ` (${outcome.refusal.type})` : "";
  const failed = outcome?.kind === "failed" ? ` (${outcome.code}, ${excuseOf(operation) ?? "NO EXCUSE"})` : "";
  return `${isMutation(request) ? "mutation" : "query"} ${kind}${refused}${failed}`;
}

function increase(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
