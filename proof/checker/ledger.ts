import type { Change } from "../history/change.ts";
import type { Operation } from "../history/operation.ts";
import { Catalogue, sameBook } from "./catalogue.ts";

/** A revision, and what is known of it. */
export interface Entry {
  readonly revision: number;
  /** Undefined for the one that everything begins with, and for what was done elsewhere. */
  readonly change: Change | undefined;
  readonly catalogue: Catalogue;
  /** When it was read from the log. Milliseconds from the start of the run. */
  readonly learnedMs: number;
  /** The mutation that made it, once that is known. */
  author?: Operation | undefined;
  /** Of the mutations that made it and those before it, the one that was asked for last: it cannot be older than that. */
  latest?: Operation | undefined;
}

/** The entry of a ledger that begins with nothing. */
export function beginningAt(revision: number): Entry {
  return { revision, change: undefined, catalogue: Catalogue.empty, learnedMs: 0 };
}

/** The change log of one branch as far as it was read, with the catalogue of every revision that may still matter. */
export class Ledger {
  /** The revision that it begins with. */
  readonly beginning: number;
  #entries: Entry[];

  /** `origin` is the entry of another ledger that this one goes on from. */
  constructor(origin: Entry) {
    this.beginning = origin.revision;
    this.#entries = [origin];
  }

  get last(): Entry {
    return this.#entries.at(-1) as Entry;
  }

  /** The oldest revision that is still known. */
  get first(): Entry {
    return this.#entries[0] as Entry;
  }

  at(revision: number): Entry | undefined {
    return this.#entries[revision - this.first.revision];
  }

  /** From one revision to another, both included, as far as they are known. */
  between(from: number, to: number): readonly Entry[] {
    const first = this.first.revision;
    return this.#entries.slice(Math.max(0, from - first), Math.max(0, to - first + 1));
  }

  /** Takes the change that comes next, and says what is wrong with it. */
  append(change: Change, ms: number): string[] {
    const { last } = this;
    const faults: string[] = [];
    const revision = last.revision + 1;
    if (change.revision !== revision) faults.push(`revision ${revision} is missing`);
    if (change.kind === "elsewhere") {
      this.#entries.push({ revision, change: undefined, catalogue: last.catalogue, learnedMs: ms });
      return faults;
    }
    if (last.change && change.previousToken !== last.change.token) faults.push("it names another predecessor");
    const fault = last.catalogue.faultOf(change);
    if (fault) faults.push(fault);
    this.#entries.push({ revision, change, catalogue: last.catalogue.after(change), learnedMs: ms });
    return faults;
  }

  /** Whether a change of a copy is the one that is known here. */
  agrees({ revision, token, kind, before, after }: Change): boolean {
    const known = this.at(revision)?.change;
    if (!known) return true;
    return (
      token === known.token && kind === known.kind && sameBook(before, known.before) && sameBook(after, known.after)
    );
  }

  /** The authors of the books that there were at any revision that is known, and the titles that were free at one. */
  seen(): { readonly authors: ReadonlySet<string>; readonly freed: { has(title: string): boolean } } {
    const { list } = this.first.catalogue;
    const authors = new Set(list.map(({ author }) => author));
    const [always, freed] = [new Set(list.map(({ title }) => title)), new Set<string>()];
    for (const { change } of this.#entries.slice(1)) {
      if (change?.after) authors.add(change.after.author);
      if (change?.before && change.before.title !== change.after?.title) freed.add(change.before.title);
    }
    return { authors, freed: { has: (title) => freed.has(title) || !always.has(title) } };
  }

  /** Forgets the revisions that had been followed by another one before `ms`. */
  forget(ms: number): void {
    let count = 0;
    while (count < this.#entries.length - 1 && (this.#entries[count + 1] as Entry).learnedMs < ms) count++;
    // not one by one: the rest moves up each time
    if (count > this.#entries.length / 2) this.#entries = this.#entries.slice(count);
  }
}
