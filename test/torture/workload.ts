import { setTimeout as sleep } from "node:timers/promises";
import { perform } from "./client.ts";
import type { Cluster, Member } from "./cluster.ts";
import { type Book, type History, isMutation, type Mutation, type Operation, type Request } from "./history.ts";
import type { Random } from "./random.ts";

/** Few, so that clients meet. The last three sort otherwise by UTF-16 unit or by locale than by code point. */
const TITLES = [
  ...Array.from({ length: 11 }, (_, index) => `Book ${String.fromCharCode("A".charCodeAt(0) + index)}`),
  "book a",
  "Ärger",
  "\uff21",
  "\u{1f600}",
];
const ISBNS = Array.from({ length: 6 }, (_, index) => `978000000000${index}`);

/** Reads that are under way at a stopped process. */
const MOST_UNAWAITED = 20;

/** What clients in a hurry write, each a book of its own that nobody else changes: no write of theirs is refused. */
const RUSH_TITLES = ["Hurried 1", "Hurried 2"];
/** Clients in a hurry that only read. */
const RUSH_READERS = 2;

/** A revision that no run reaches. */
const UNREACHABLE = 1_000_000_000;

export interface WorkloadOptions {
  readonly clients: number;
  /** Operations per second of all clients together. */
  readonly rate: number;
}

/**
 * Clients that each do one thing after another, at random processes, to a few books. What a client has just changed
 * it reads at once elsewhere: an answer that is too old shows itself within milliseconds or never.
 */
export class Workload {
  readonly #history: History;
  readonly #members: readonly Member[];
  readonly #random: Random;
  readonly #options: WorkloadOptions;
  /** The newest version that any client has seen of a book, for `expectedVersion`. */
  readonly #versions = new Map<string, number>();
  #revision = 0;
  #running = true;
  #clients: Promise<unknown> | undefined;
  readonly #unawaited = new Set<Promise<unknown>>();

  constructor(history: History, cluster: Cluster, random: Random, options: WorkloadOptions) {
    this.#history = history;
    this.#members = cluster.members;
    this.#random = random;
    this.#options = options;
  }

  start(): Promise<unknown> {
    const clients = Array.from({ length: this.#options.clients }, (_, index) =>
      this.#client(`client ${index + 1}`, this.#random.fork()),
    );
    this.#clients = Promise.all(clients);
    return this.#clients;
  }

  /** Lets what is under way complete. */
  async stop(): Promise<void> {
    this.#running = false;
    await this.#clients;
    await Promise.all(this.#unawaited);
  }

  /** Reads every title and the list from every process: what was acknowledged is still there. */
  async readAll(): Promise<void> {
    for (const member of this.#members) {
      for (const request of [{ kind: "books" }, ...TITLES.map((title) => ({ kind: "book", title }))] as Request[]) {
        await this.#perform("last reader", member, request);
      }
    }
  }

  /**
   * More clients, in a hurry: for `ms` some write at `member` alone, one mutation after the other, and others read the
   * list everywhere else. What is wrong for a few milliseconds only is seen by nobody else.
   */
  async rush(member: Member, ms: number, random: Random): Promise<void> {
    const end = this.#history.now + ms;
    const during = async (own: Random, act: (own: Random) => Promise<unknown>) => {
      while (this.#history.now < end) await act(own);
    };
    const others = this.#members.filter((other) => other !== member);
    const write = async (title: string, own: Random) => {
      await this.#write("hurried writer", member, { kind: "add", title, input: this.#input(own) }, own);
      await during(own, () => {
        return this.#write("hurried writer", member, { kind: "update", title, input: this.#input(own) }, own);
      });
    };
    const read = async (own: Random) => {
      const open = others.filter(({ idle, outage }) => !idle && !outage);
      if (open.length > 0) await this.#perform("hurried reader", own.pick(open), { kind: "books" });
      else await sleep(1);
    };
    await Promise.all([
      ...RUSH_TITLES.map((title) => write(title, random.fork())),
      ...Array.from({ length: RUSH_READERS }, () => during(random.fork(), read)),
    ]);
  }

  async #client(name: string, random: Random): Promise<void> {
    const { clients, rate } = this.#options;
    while (this.#running) {
      const pause = -Math.log(1 - random.fraction()) * (clients / rate) * 1000;
      await sleep(Math.min(pause, 2000));
      if (this.#members.every(({ idle }) => idle)) continue;
      const member = this.#choose(random);
      const request = this.#request(random);
      if (isMutation(request) && random.chance(0.7)) await this.#write(name, member, request, random);
      else await this.#perform(name, member, request, this.#atLeast(random));
    }
  }

  /** A mutation; once it is acknowledged, what it changed is read elsewhere. */
  async #write(client: string, member: Member, request: Mutation, random: Random): Promise<void> {
    const { outcome } = await this.#perform(client, member, request, this.#atLeast(random));
    if (outcome?.kind === "acknowledged") await this.#readElsewhere(client, member, request, random);
  }

  /** Reads what was changed from all other processes. Those that are stopped are asked too, but not waited for. */
  async #readElsewhere(client: string, member: Member, request: Mutation, random: Random): Promise<void> {
    const reads: Promise<unknown>[] = [];
    for (const other of this.#members) {
      if (other === member || other.idle || other.outage === "killed") continue;
      if (other.outage && this.#unawaited.size >= MOST_UNAWAITED) continue;
      const read = this.#perform(client, other, afterthought(request, random));
      if (!other.outage) reads.push(read);
      else this.#leave(read);
    }
    await Promise.all(reads);
  }

  #leave(read: Promise<unknown>): void {
    this.#unawaited.add(read);
    read.finally(() => this.#unawaited.delete(read));
  }

  async #perform(client: string, member: Member, request: Request, atLeast?: number): Promise<Operation> {
    const operation = await perform(this.#history, client, member, request, atLeast);
    this.#learn(operation);
    return operation;
  }

  #learn({ outcome }: Operation): void {
    if (outcome?.kind === "acknowledged") this.#note(outcome.revision, [outcome.book]);
    if (outcome?.kind === "read") this.#note(outcome.revision, outcome.books);
  }

  #note(revision: number, books: readonly Book[]): void {
    this.#revision = Math.max(this.#revision, revision);
    for (const { title, version } of books) this.#versions.set(title, version);
  }

  /** Any process; seldom one that is down, which would only hold the client up. */
  #choose(random: Random): Member {
    const member = random.pick(this.#members);
    if (!member.idle && (!member.outage || random.chance(0.1))) return member;
    const others = this.#members.filter(({ idle, outage }) => !idle && !outage);
    return others.length > 0 ? random.pick(others) : member;
  }

  #atLeast(random: Random): number | undefined {
    if (random.chance(0.002)) return UNREACHABLE;
    return random.chance(0.1) ? this.#revision : undefined;
  }

  #request(random: Random): Request {
    const title = random.pick(TITLES);
    switch (random.weighted({ mutation: 45, book: 25, form: 5, books: 15, page: 10 })) {
      case "mutation":
        return this.#mutation(random);
      case "book":
        return { kind: "book", title };
      case "form":
        return { kind: "form", title };
      case "books":
        return { kind: "books" };
      case "page": {
        const cursor = random.chance(0.7) ? { cursor: title } : {};
        return { kind: "page", limit: random.between(1, 6), backwards: random.chance(0.4), ...cursor };
      }
    }
  }

  #mutation(random: Random): Mutation {
    const title = random.pick(TITLES);
    const input = this.#input(random);
    switch (random.weighted({ add: 12, update: 20, rename: 6, delete: 7 })) {
      case "add":
        return { kind: "add", title, input: random.chance(0.3) ? { ...input, isbn: random.pick(ISBNS) } : input };
      case "update": {
        const isbn = random.chance(0.1) ? { isbn: random.chance(0.5) ? random.pick(ISBNS) : null } : {};
        return { kind: "update", title, input: { ...input, ...isbn }, ...this.#expected(title, random) };
      }
      case "rename":
        return {
          kind: "update",
          title,
          input: { ...input, title: random.pick(TITLES) },
          ...this.#expected(title, random),
        };
      case "delete":
        return { kind: "delete", title, ...this.#expected(title, random) };
    }
  }

  /** To be sent at once: it is signed with the number of the operation that is recorded next. */
  #input(random: Random) {
    return { author: `operation ${this.#history.nextId}`, stockQuantity: random.between(0, 2147483647) };
  }

  #expected(title: string, random: Random): { expectedVersion?: number } {
    const version = this.#versions.get(title);
    return version !== undefined && random.chance(0.4) ? { expectedVersion: version } : {};
  }
}

/** What to read after a mutation: the book where it now is or was, or all. */
function afterthought(request: Mutation, random: Random): Request {
  if (random.chance(0.3)) return { kind: "books" };
  const newTitle = request.kind === "update" ? request.input.title : undefined;
  return { kind: "book", title: newTitle && random.chance(0.5) ? newTitle : request.title };
}
