import type { Change } from "../history/change.ts";
import { sameBook } from "./catalogue.ts";
import type { Report } from "./violation.ts";

/** What a subscriber was told: a change with its books, one of books that are no concern of his, or a checkpoint. */
export interface ToldChange {
  readonly revision: number;
  readonly kind: "ADDED" | "UPDATED" | "DELETED" | "ELSEWHERE" | "CHECKPOINT";
  readonly before: Change["before"];
  readonly after: Change["after"];
}

/** What the log calls them. */
export const KINDS: Readonly<Record<string, string>> = {
  ADDED: "add",
  UPDATED: "update",
  DELETED: "delete",
  ELSEWHERE: "elsewhere",
};

/**
 * What one subscriber was told of one branch, over however many connections, held against the rules: each change once, in
 * order, without a gap; nothing that was acknowledged before it began; and what the log says, once that is known.
 */
export class ToldOf {
  readonly #who: string;
  readonly #branch: string;
  readonly #report: Report;
  /** Up to which revision it was told of everything; undefined until that is known. */
  #at: number | undefined;
  /** What was acknowledged before it began. */
  readonly #floor: number;
  readonly #unverified: ToldChange[] = [];
  #from: string | undefined;
  count = 0;

  constructor(who: string, branch: string, floor: number, report: Report) {
    this.#who = who;
    this.#branch = branch;
    this.#floor = floor;
    this.#report = report;
  }

  /** Where it goes on when it comes back; undefined while it was told of nothing. */
  get at(): number | undefined {
    return this.#at;
  }

  /** `from` is where it came from. */
  take(told: ToldChange, from?: string): void {
    this.count++;
    this.#from = from;
    const isCheckpoint = told.kind === "CHECKPOINT";
    if (this.#at === undefined) this.#begin(told, isCheckpoint);
    else if (isCheckpoint) {
      if (told.revision !== this.#at) this.#blame("a checkpoint tells how far a subscriber was told", told.revision);
    } else if (told.revision !== this.#at + 1) {
      this.#blame(
        told.revision <= this.#at ? "no change is told twice or out of order" : "no change is left out",
        told.revision,
      );
    }
    this.#at = Math.max(this.#at ?? 0, told.revision);
    if (!isCheckpoint) this.#unverified.push(told);
  }

  /** Holds what was told against the log as far as that is known. */
  verify(changeAt: (revision: number) => Change | undefined): void {
    for (let told = this.#unverified[0]; told; told = this.#unverified[0]) {
      const change = changeAt(told.revision);
      if (!change) return;
      this.#unverified.shift();
      const { kind, before, after } = told;
      if (KINDS[kind] === change.kind && isSame(before, change.before) && isSame(after, change.after)) continue;
      this.#blame("what is told is what the log says", told.revision);
    }
  }

  /** Notes that it could not go on from where it was. */
  refused(code: string): void {
    this.#blame(`who comes back goes on from where he was, but ${code}`, this.#at);
  }

  /** Notes how far it was to have been told in the end. */
  end(revision: number): void {
    if ((this.#at ?? revision) !== revision) this.#blame("everything is told in the end", revision);
  }

  #begin({ revision }: ToldChange, isCheckpoint: boolean): void {
    const start = isCheckpoint ? revision : revision - 1;
    if (start < this.#floor) this.#blame("nothing is told that was acknowledged before a subscription began", revision);
  }

  #blame(rule: string, revision: number | undefined): void {
    const from = this.#from === undefined ? "" : ` at ${this.#from}`;
    const what = `${this.#who}${from} was told up to ${this.#at} (${this.#floor} was acknowledged before), and then of ${revision}`;
    this.#report({ rule, what, operations: [], revision, branch: this.#branch });
  }
}

function isSame(a: Change["before"], b: Change["before"]): boolean {
  return a === null || b === null ? a === b : sameBook(a, b);
}
