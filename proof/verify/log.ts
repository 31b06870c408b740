import { setTimeout as sleep } from "node:timers/promises";
import { perform } from "../clients/client.ts";
import type { Branch } from "../history/branch.ts";
import type { Change } from "../history/change.ts";
import type { History } from "../history/history.ts";
import { type Book, type Operation, revisionOf } from "../history/operation.ts";
import type { Door } from "./door.ts";

/** Changes that are asked for at a time: with more the request would cost so much that it has to wait for others. */
const PAGE = 30;
/** How long the log may be older than what clients were told. Milliseconds. */
const PATIENCE_MS = 30_000;

/** The change log as the service tells of it to whoever asks, by the query `changes`. */
export class ToldLog {
  readonly #history: History;
  readonly #doors: readonly Door[];
  readonly #word: string;
  /** The operation that was told of the newest revision, and the one that acknowledged it. */
  #newest: Operation | undefined;
  #acknowledged: Operation | undefined;
  #asked = 0;
  /** All changes that were read, by their revisions. */
  readonly changes = new Map<number, Change>();
  /** The books of the namespace, by their ids. */
  readonly books = new Map<number, Book>();

  /** `word` makes the names of its requests such as nobody has sent before. */
  constructor(history: History, doors: readonly Door[], word: string) {
    this.#history = history;
    this.#doors = doors;
    this.#word = word;
    history.onCompletion((operation) => {
      this.#newest = newer(this.#newest, operation);
      if (operation.outcome?.kind === "acknowledged") this.#acknowledged = newer(this.#acknowledged, operation);
    });
  }

  /** The newest revision that clients were told of. */
  get revision(): number {
    return revisionOf(this.#newest?.outcome) ?? 0;
  }

  /**
   * Reads the changes after a revision, up to one that is at least as new as all that clients were told before. Through
   * whichever door that can be had.
   *
   * @throws LogUnread
   */
  async read({ since = 0 }: Branch, after: number): Promise<readonly Change[]> {
    const target = Math.max(since, this.revision);
    const deadline = this.#history.now + PATIENCE_MS;
    const read: Change[] = [];
    let stale: Operation | undefined;
    for (let turn = 0; this.#history.now < deadline; turn++) {
      const door = this.#doors[turn % this.#doors.length] as Door;
      const last = read.at(-1)?.revision ?? after;
      const name = `Log${this.#word}${this.#asked++}`;
      const operation = await perform(
        this.#history,
        "log",
        door,
        { kind: "changes", after: last, first: PAGE, name },
        target,
      );
      const { outcome } = operation;
      if (outcome?.kind === "read") {
        const changes = outcome.answers[0]?.changes ?? [];
        read.push(...changes);
        for (const change of changes) this.#take(change);
        const reached = changes.length === PAGE ? (changes.at(-1)?.revision ?? 0) : outcome.revision;
        if (reached >= target) return read;
        if (changes.length === PAGE) continue;
        stale = operation;
      } else if (outcome?.kind === "not reached") stale = operation;
      await sleep(100);
    }
    throw new LogUnread(stale, this.#acknowledged);
  }

  #take(change: Change): void {
    const { before, after } = change;
    this.changes.set(change.revision, change);
    if (before) this.books.delete(before.id);
    if (after) this.books.set(after.id, after);
  }
}

function newer(known: Operation | undefined, operation: Operation): Operation {
  const [a, b] = [known, operation].map((one) => revisionOf(one?.outcome) ?? -1) as [number, number];
  return known && a >= b ? known : operation;
}

/** The log could not be had as new as what clients were told. */
export class LogUnread extends Error {
  /** A request that was answered by an older one, and the write that had been acknowledged before it. */
  readonly operations: readonly Operation[];

  constructor(stale: Operation | undefined, acknowledged: Operation | undefined) {
    super("`changes` could not be read up to what clients were told");
    this.operations = stale && acknowledged ? [stale, acknowledged] : [];
  }
}
