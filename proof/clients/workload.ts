import { setTimeout as sleep } from "node:timers/promises";
import type { Branch } from "../history/branch.ts";
import type { History } from "../history/history.ts";
import { isMutation, type Mutation, type Operation, type Request } from "../history/operation.ts";
import { perform } from "./client.ts";
import type { Random } from "./random.ts";
import { afterthought, drawInput, drawMutation, drawReading, drawRequest, Seen } from "./requests.ts";
import type { Server, Service } from "./server.ts";

/** Reads that are under way at a stopped process. */
const MOST_UNAWAITED = 20;

/** How often a mutation with a key is sent again, at most. */
const MOST_REPEATS = 4;

/** How often a client adds and deletes a book of its own instead of what else it would do. */
const COME_AND_GO = 0.02;

/** How often a client that has read a book asks how it was then, and how far back it asks now and then. */
const LOOK_BACK = 0.25;
const FAR_BACK = 300;

/** Clients in a hurry that only read. */
const RUSH_READERS = 2;

/** A revision that no run reaches. */
const UNREACHABLE = 9_000_000_000_000_000;

export interface WorkloadOptions {
  readonly clients: number;
  /** Operations per second of all clients together, not counting those that others lead to. */
  readonly rate: number;
}

/**
 * Clients that each do one thing after another, at random servers, to a few books. What a client has just changed
 * it reads at once elsewhere: an answer that is too old shows itself within milliseconds or never.
 */
export class Workload {
  readonly #history: History;
  readonly #servers: () => readonly Server[];
  readonly #random: Random;
  readonly #options: WorkloadOptions;
  readonly #seen = new WeakMap<Service, Seen>();
  /** Up to where the log was read when each mutation began that may be sent again with its key. */
  readonly #keyed = new Map<symbol, { readonly branch: Branch; readonly seen: number }>();
  #running = true;
  #clients: Promise<unknown> | undefined;
  readonly #unawaited = new Set<Promise<unknown>>();

  constructor(history: History, servers: () => readonly Server[], random: Random, options: WorkloadOptions) {
    this.#history = history;
    this.#servers = servers;
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
    for (const member of this.#servers()) {
      const { names } = member.installation;
      const requests: Request[] = [names.list, ...names.titles.map((title) => ({ kind: "book" as const, title }))];
      for (const request of requests) await this.#perform("last reader", member, request);
    }
  }

  /**
   * More clients, in a hurry: for `ms` some write at `member` alone, one mutation after the other, and others read the
   * list at all others of its installation. What is wrong for a few milliseconds only is seen by nobody else.
   */
  async rush(member: Server, ms: number, random: Random): Promise<void> {
    const { names } = member.installation;
    const end = this.#history.now + ms;
    const during = async (own: Random, act: (own: Random) => Promise<unknown>) => {
      while (this.#history.now < end) await act(own);
    };
    const write = async (title: string, own: Random) => {
      const input = () => drawInput(own, names.author(this.#history.newNumber()));
      await this.#write("hurried writer", member, { kind: "add", title, input: input() }, own);
      await during(own, () => this.#write("hurried writer", member, { kind: "update", title, input: input() }, own));
    };
    const read = async (own: Random) => {
      const open = member.others.filter(isOpen);
      if (open.length > 0) await this.#perform("hurried reader", own.pick(open), { kind: "books" });
      else await sleep(1);
    };
    await Promise.all([
      ...names.hurried.map((title) => write(title, random.fork())),
      ...Array.from({ length: RUSH_READERS }, () => during(random.fork(), read)),
    ]);
  }

  async #client(name: string, random: Random): Promise<void> {
    const { clients, rate } = this.#options;
    while (this.#running) {
      const pause = -Math.log(1 - random.fraction()) * (clients / rate) * 1000;
      await sleep(Math.min(pause, 2000));
      const member = this.#choose(random);
      if (!member) continue;
      const { installation } = member;
      if (installation.clients !== "readers" && random.chance(COME_AND_GO)) {
        await this.#comeAndGo(name, member, random);
        continue;
      }
      const seen = this.#seenOf(installation);
      const isReader = installation.clients === "readers";
      const request = isReader ? drawReading(random, seen) : drawRequest(random, seen, this.#history.newNumber());
      if (isMutation(request) && (request.key !== undefined || random.chance(0.7)))
        await this.#write(name, member, request, random);
      else {
        const { outcome } = await this.#perform(name, member, request, this.#atLeast(member, random));
        if (request.kind === "book" && outcome?.kind === "read" && random.chance(LOOK_BACK))
          await this.#lookBack(name, member, request.title, outcome.revision, random);
      }
    }
  }

  /** Asks any process how a book was when it was read, or before: it is to be just what was read. */
  async #lookBack(client: string, member: Server, title: string, revision: number, random: Random): Promise<void> {
    const open = [member, ...member.others].filter(isOpen);
    if (open.length === 0) return;
    const farBack = Math.max(member.branch.since ?? 0, revision - random.between(0, FAR_BACK));
    const asOf = random.chance(0.7) ? revision : farBack;
    const request: Request = random.chance(0.3) ? { kind: "history", title } : { kind: "past", title, asOf };
    // what was says nothing of what is
    await perform(this.#history, client, random.pick(open), request);
  }

  /** See `Means`. */
  oldestKept(branch: Branch): number {
    const { seen = 0 } = branch;
    const ofBranch = [...this.#keyed.values()].filter((one) => one.branch === branch);
    return Math.min(seen, ...ofBranch.map((one) => one.seen));
  }

  /** Adds a book that nobody else knows, and deletes it with a key: of a repeated delete, the log tells by the title what it was. */
  async #comeAndGo(client: string, member: Server, random: Random): Promise<void> {
    const { names } = member.installation;
    const number = this.#history.newNumber();
    const title = names.passing(number);
    const input = drawInput(random, names.author(number));
    await this.#write(client, member, { kind: "add", title, input }, random);
    await this.#write(client, member, { kind: "delete", title, key: names.key(number) }, random);
  }

  /** A mutation; once it is acknowledged, what it changed is read elsewhere. */
  async #write(client: string, member: Server, request: Mutation, random: Random): Promise<void> {
    const id = Symbol(client);
    const { branch } = member;
    if (request.key !== undefined) this.#keyed.set(id, { branch, seen: branch.seen ?? 0 });
    try {
      const operation = await this.#perform(client, member, request, this.#atLeast(member, random));
      if (operation.outcome?.kind === "acknowledged") await this.#readElsewhere(client, member, request, random);
      if (request.key !== undefined) await this.#repeat(operation, request, random);
    } finally {
      this.#keyed.delete(id);
    }
  }

  /** Sends a mutation again with its key, to any process, until its outcome is known; now and then also one whose is. */
  async #repeat(first: Operation, request: Mutation, random: Random): Promise<void> {
    const { client, branch } = first;
    let { outcome } = first;
    for (let times = 0; times < MOST_REPEATS; times++) {
      if (outcome?.kind !== "failed" && !random.chance(0.2)) return;
      const there = this.#servers().filter((member) => isOpen(member) && member.branch.name === branch);
      if (there.length === 0) return;
      const member = random.pick(there);
      // the same key for something else is refused, if it was used
      const isOther = outcome?.kind !== "failed" && random.chance(0.3);
      const other = () => drawMutation(random, this.#seenOf(member.installation), this.#history.newNumber());
      const sent = isOther ? { ...other(), key: request.key as string } : request;
      if (isOther && sent.kind === "delete") return;
      ({ outcome } = await this.#perform(client, member, sent));
      if (outcome?.kind === "acknowledged") await this.#readElsewhere(client, member, sent, random);
      // by which of the two it was used is not known any more
      if (isOther && outcome?.kind === "failed") return;
    }
  }

  /**
   * Reads what was changed from all other processes of the installation, or from its only one. Those that are stopped
   * are asked too, but not waited for.
   */
  async #readElsewhere(client: string, member: Server, request: Mutation, random: Random): Promise<void> {
    const reads: Promise<unknown>[] = [];
    for (const other of member.others.length > 0 ? member.others : [member]) {
      if (other.idle || other.outage === "killed") continue;
      if (other.outage && this.#unawaited.size >= MOST_UNAWAITED) continue;
      const read = this.#perform(client, other, afterthought(request, member.installation.names, random));
      if (!other.outage) reads.push(read);
      else this.#leave(read);
    }
    await Promise.all(reads);
  }

  #leave(read: Promise<unknown>): void {
    this.#unawaited.add(read);
    read.finally(() => this.#unawaited.delete(read));
  }

  async #perform(client: string, member: Server, request: Request, atLeast?: number): Promise<Operation> {
    const operation = await perform(this.#history, client, member, request, atLeast);
    this.#seenOf(member.installation).note(operation);
    return operation;
  }

  #seenOf(installation: Service): Seen {
    const seen = this.#seen.get(installation) ?? new Seen(installation.names);
    this.#seen.set(installation, seen);
    return seen;
  }

  /** Any process that clients may ask; seldom one that is down, which would only hold the client up. */
  #choose(random: Random): Server | undefined {
    const members = this.#servers().filter(({ idle, installation }) => !idle && installation.clients !== "none");
    if (members.length === 0) return undefined;
    const member = random.pick(members);
    if (!member.outage || random.chance(0.1)) return member;
    const others = members.filter(isOpen);
    return others.length > 0 ? random.pick(others) : member;
  }

  #atLeast({ installation }: Server, random: Random): number | undefined {
    if (random.chance(0.002)) return UNREACHABLE;
    return random.chance(0.1) ? this.#seenOf(installation).revision : undefined;
  }
}

function isOpen({ idle, outage }: Server): boolean {
  return !idle && !outage;
}
