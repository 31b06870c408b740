import { type Branch, limitOf, partingOf, trimmedTo } from "../history/branch.ts";
import type { Change, GroundTruth } from "../history/change.ts";
import { booksOf, excuseOf, type Operation, type Reading } from "../history/operation.ts";
import { showBook, showList } from "../history/show.ts";
import { faultOfAnswered, possibleFor } from "./answers.ts";
import { sameList } from "./catalogue.ts";
import type { Court } from "./court.ts";
import { Floors } from "./floors.ts";
import { beginningAt, Ledger } from "./ledger.ts";
import { faultOfRead } from "./read-answers.ts";
import { Registers } from "./registers.ts";
import type { Report } from "./violation.ts";

const ONE_HISTORY = "the change log is one history";

/** Judges the operations of one branch by what its database logged. */
export class BranchJudge {
  readonly branch: Branch;
  readonly ledger: Ledger;
  readonly #court: Court;
  readonly #report: Report;
  readonly #floors: Floors;
  readonly #registers = new Registers();
  /** Until when each process that has met another history may show that, by the names of both. */
  readonly #until = new Map<string, number>();
  #attributed: number;

  /** `origin` judges the branch that this one goes on from. */
  constructor(branch: Branch, origin: BranchJudge | undefined, court: Court) {
    const since = branch.origin?.revision ?? branch.since ?? 0;
    this.branch = branch;
    this.ledger = new Ledger(origin?.ledger.at(since) ?? beginningAt(since));
    this.#court = court;
    this.#report = (violation) => court.report({ branch: branch.name, ...violation });
    this.#floors = new Floors(this.ledger, court.bounds, since);
    this.#attributed = since;
    if (origin && this.ledger.last.revision !== since) {
      this.#wrong(ONE_HISTORY, `it is a copy at ${since}, which its origin never reached`, since);
    }
    const isInherited = (operation: Operation) => (court.authors.revisionOf(operation) ?? Infinity) <= since;
    if (origin) this.#registers.inherit(origin.#registers, isInherited);
  }

  /** Takes the changes that were read next. Those that the branch began with are held against its origin's. */
  learn(changes: readonly Change[], ms: number, origin: BranchJudge | undefined): void {
    const since = this.ledger.beginning;
    for (const change of changes) {
      const { revision } = change;
      if (revision > since)
        for (const fault of this.ledger.append(change, ms)) this.#wrong(ONE_HISTORY, fault, revision);
      else if (origin && !origin.ledger.agrees(change)) {
        this.#wrong(ONE_HISTORY, "the copy has another change there than its origin", revision);
      }
    }
  }

  /** Takes a mutation that has completed and may have happened, in the order of invocation. */
  take(operation: Operation): void {
    this.#registers.add(operation);
  }

  /** Finds out who made the changes that were learned. Everything that can have made them must have been taken. */
  attribute(): void {
    const rule = "an operation takes effect once if it may, and nothing else does";
    for (const entry of this.ledger.between(this.#attributed + 1, this.ledger.last.revision)) {
      const { change, revision } = entry;
      const before = this.ledger.at(revision - 1)?.latest;
      entry.latest = before;
      if (!change) continue;
      const { author, faults } = this.#court.authors.attribute(change, this.branch.name);
      entry.author = author;
      this.#court.attributed(author);
      entry.latest = !before || (author && author.invoked.order > before.invoked.order) ? author : before;
      const book = showBook(change.after ?? change.before);
      if ((change.after?.stockQuantity ?? 0) < 0) this.#wrong("stock is never less than 0", book, revision);
      for (const fault of faults) {
        this.#report({ rule, what: `${book}: ${fault}`, operations: author ? [author] : [], revision });
      }
    }
    this.#attributed = this.ledger.last.revision;
  }

  invoke(operation: Operation): void {
    this.#floors.invoke(operation);
  }

  complete(operation: Operation): void {
    const edited = this.#court.edits.titlesFor(operation);
    const fault = faultOfAnswered(operation, this.ledger, this.#court.authors, edited, () => trimmedTo(this.branch));
    const tolerated = this.#isTolerated(operation, fault !== undefined, edited);
    const isShown = !tolerated && !this.#mayBeForeign(operation, edited);
    this.#floors.complete(operation, tolerated, isShown, this.#report);
    this.#checkAvailability(operation);
    if (tolerated) {
      this.#court.tolerated();
      return;
    }
    if (fault) {
      const revision = operation.outcome && "revision" in operation.outcome ? operation.outcome.revision : undefined;
      const author = revision === undefined ? undefined : this.ledger.at(revision)?.author;
      const operations = author && author !== operation ? [operation, author] : [operation];
      this.#report({ ...fault, operations, revision });
    }
    this.#registers.check(operation, edited, this.#report);
    this.#checkForeign(operation);
  }

  /** The branch has ended: its table is what its log leads to. */
  end({ books, revision, token }: GroundTruth): void {
    const { last } = this.ledger;
    if (last.change && (last.revision !== revision || last.change.token !== token)) {
      this.#wrong(ONE_HISTORY, `the row stands at ${revision}, the log at ${last.revision}`, last.revision);
    }
    if (sameList(last.catalogue.list, books)) return;
    const led = showList(last.catalogue.list);
    this.#wrong(ONE_HISTORY, `the table holds ${showList(books)}, but the log leads to ${led}`, revision);
  }

  /** Forgets what was over before these instants of the run, the one a place in the order of moments. */
  forget(ms: number, order: number): void {
    this.ledger.forget(ms);
    const { authors, freed } = this.ledger.seen();
    this.#registers.forget(order, ({ author }, title) => (author === null ? freed.has(title) : authors.has(author)));
  }

  /** How much it remembers. */
  get size(): { readonly revisions: number; readonly writes: number } {
    const { last, first } = this.ledger;
    return { revisions: last.revision - first.revision, writes: this.#registers.size };
  }

  /**
   * Whether a process may answer so because it has met another history and had no time yet to find that out: what it
   * shows must be a state of that, and nothing that was acknowledged in this one may be missing from it.
   */
  #isTolerated(operation: Operation, isWrong: boolean, edited: ReadonlySet<string>): boolean {
    const { outcome, process, completed, invoked } = operation;
    const { bounds, markEdits, branches } = this.#court;
    if (outcome?.kind !== "read" || outcome.servedBy === "database" || !completed || bounds.foreignMs === 0)
      return false;
    if (!isWrong && !this.#floors.earlyFor(operation, outcome.revision)) return false;
    if (markEdits.titlesFor(operation).size > 0) return true;
    for (const other of branches()) {
      if (other === this || !this.#isTrueWith(other, operation, edited)) continue;
      if (!this.#floors.allows(operation, partingOf(this.branch, other.branch))) continue;
      const met = `${process} ${other.branch.name}`;
      const until = this.#until.get(met) ?? completed.ms + bounds.foreignMs;
      this.#until.set(met, until);
      return invoked.ms < until;
    }
    return false;
  }

  /**
   * Whether an answer that is right here may be another history's all the same: what it is said to be true at was not
   * acknowledged here when it came.
   */
  #mayBeForeign(operation: Operation, edited: ReadonlySet<string>): boolean {
    const { outcome, completed } = operation;
    if (outcome?.kind !== "read" || outcome.servedBy === "database" || !completed) return false;
    const { revision } = outcome;
    const { completed: acknowledged } = this.ledger.at(revision)?.author ?? {};
    if (this.#court.bounds.foreignMs === 0 || (acknowledged && acknowledged.order < completed.order)) return false;
    for (const other of this.#court.branches()) {
      const isPast = other !== this && revision > partingOf(this.branch, other.branch);
      if (isPast && this.#isTrueWith(other, operation, edited)) return true;
    }
    return false;
  }

  /** Whether an answer is the state of another branch. Of several queries, some may have been answered of this one. */
  #isTrueWith(other: BranchJudge, operation: Operation, edited: ReadonlySet<string>): boolean {
    const { outcome, request } = operation;
    if (outcome?.kind !== "read") return false;
    const { revision } = outcome;
    const there = possibleFor(operation, other.ledger, revision);
    if (request.kind !== "several") {
      // of a history the book may be another branch's; the rest is the database's, and older it may be, too
      const isHistory = request.kind === "history";
      const reading = isHistory ? { ...request, kind: "book" as const } : (request as Reading);
      return (isHistory ? there : there.slice(0, 1)).some((entry) => !faultOfRead(reading, outcome, [entry], edited));
    }
    const here = possibleFor(operation, this.ledger, revision);
    const mixtures = [
      [...there, ...here],
      [...here, ...there],
    ];
    return there.length > 0 && mixtures.some((entries) => !faultOfRead(request, outcome, entries, edited));
  }

  /** Finds what was written in another history, and is no part of what this one began with. */
  #checkForeign(operation: Operation): void {
    if (operation.outcome?.kind !== "read") return;
    for (const book of booksOf(operation.outcome)) {
      const writer = this.#court.authors.writerOf(book);
      if (!writer || writer.branch === this.branch.name || this.#isInherited(writer)) continue;
      const rule = "no answer shows what only another history holds";
      const what = `${book.title} is ${book.author}, as it is in “${writer.branch}”`;
      this.#report({ rule, what, operations: [operation, writer] });
      return;
    }
  }

  #isInherited(writer: Operation): boolean {
    const revision = this.#court.authors.revisionOf(writer);
    return revision !== undefined && revision <= limitOf(this.branch, writer.branch);
  }

  /** A process that the nemesis left alone answers; what was done to Redis is no excuse. */
  #checkAvailability(operation: Operation): void {
    const { outcome, request } = operation;
    if (outcome?.kind === "trimmed") this.#checkTrimmed(operation, outcome.oldest);
    const isRight = outcome?.kind === "failed" && excuseOf(operation) !== undefined;
    if (request.kind === "improper" && !isRight) {
      const rule = "what can be no page is refused";
      this.#report({ rule, what: `it is ${outcome?.kind}`, operations: [operation] });
    } else if (outcome?.kind === "failed" && !isRight) {
      const rule = "reads and writes do not fail while only Redis is ill";
      this.#report({ rule, what: `${outcome.code}: ${outcome.message}`, operations: [operation] });
    }
  }

  /** What was not trimmed is told. */
  #checkTrimmed(operation: Operation, oldest: number): void {
    const { request } = operation;
    const known = trimmedTo(this.branch);
    if (request.kind === "past" && request.asOf < oldest && oldest <= known) return;
    const rule = "the log is not said to be shorter than it is";
    this.#report({
      rule,
      what: `it is said to begin after ${oldest}, it was trimmed to ${known}`,
      operations: [operation],
    });
  }

  #wrong(rule: string, what: string, revision: number): void {
    this.#report({ rule, what, operations: [], revision });
  }
}
