import type { Socket } from "node:net";
import { Connection } from "./connection.ts";
import type { Exchange } from "./exchange.ts";
import type { Notices } from "./notices.ts";

/** So many requests, of some 6 kB each, may wait behind others; beyond it the client that has sent most ahead is cut off. */
const MAX_HELD = 10_000;
/**
 * Of requests that were sent ahead so many are begun in one turn of the event loop. An answer that is known at once would
 * else be followed by the next in the same turn, to the end of all that were sent.
 */
const BEGUN_IN_A_TURN = 50;
/** What all answers that their clients have not taken yet may have together; beyond it the slowest client is cut off. */
const MAX_OWED_BYTES = 256_000_000;
/**
 * Clients that were refused for now, and ask on nevertheless, are read again one after the other, so many in a millisecond:
 * to refuse one takes some 45 µs, and most of the time is to be left for those who are answered.
 */
const READ_AGAIN_PER_MS = 3;
const READ_AGAIN_EVERY_MS = 5;
/** The share of the connections that may be open before idle ones are closed early. */
const SHORT = 0.75;

/** Every open connection, and what they share. */
export class Connections {
  readonly serve: (exchange: Exchange) => void;
  readonly notices: Notices;
  /**
   * Of the service. When it is stopping, it is not ready, and each answer is the last over its connection; when it is closing,
   * nothing more is begun that would go on.
   */
  phase: "serving" | "stopping" | "closing" = "serving";
  /** How many there have been. */
  accepted = 0;
  /** Requests that were refused before they were answered by GraphQL, by code. */
  readonly refusals = new Map<string, number>();
  readonly #max: number;
  readonly #open = new Map<Socket, Connection>();
  readonly #owing = new Set<Connection>();
  /** Those of which the next request waits to be begun. */
  readonly #queue: Connection[] = [];
  /** Those that are not read for now, because their clients were refused. */
  readonly #resting: Connection[] = [];
  #readAgainAt = 0;
  #held = 0;
  #owed = 0;
  #isPaused = false;
  #isOver = false;

  constructor(max: number, notices: Notices, serve: (exchange: Exchange) => void) {
    this.#max = max;
    this.notices = notices;
    this.serve = serve;
  }

  add(socket: Socket): void {
    if (this.#isOver) {
      socket.destroy();
      return;
    }
    const connection = new Connection(this, socket);
    this.#open.set(socket, connection);
    this.accepted++;
    // for each request that waits Node makes an error, whose stack takes longer than the request did
    let stackTraceLimit = Error.stackTraceLimit;
    socket.prependListener("close", () => {
      stackTraceLimit = Error.stackTraceLimit;
      Error.stackTraceLimit = 0;
    });
    socket.on("close", () => {
      Error.stackTraceLimit = stackTraceLimit;
      this.#open.delete(socket);
      connection.closed();
    });
  }

  of(socket: Socket): Connection | undefined {
    return this.#open.get(socket);
  }

  get size(): number {
    return this.#open.size;
  }

  countRefusal(code: string): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
  }

  /** Counts a request that waits behind another. */
  hold(): void {
    if (++this.#held <= MAX_HELD) return;
    const greediest = [...this.#open.values()].reduce((a, b) => (b.held > a.held ? b : a));
    greediest.cut("sent too many requests ahead");
    if (!this.#isPaused) this.#pauseForATurn();
  }

  /** Reads nothing more in this turn of the event loop: what many send at once would all be parsed in it. */
  #pauseForATurn(): void {
    this.#isPaused = true;
    for (const connection of this.#open.values()) connection.pause();
    setImmediate(() => {
      this.#isPaused = false;
      for (const connection of this.#open.values()) connection.resume();
    });
  }

  rest(connection: Connection): void {
    if (this.#resting.push(connection) > 1) return;
    this.#readAgainAt = performance.now();
    setTimeout(this.#readAgain, READ_AGAIN_EVERY_MS);
  }

  readonly #readAgain = (): void => {
    const now = performance.now();
    // a stop answers what has arrived
    const turns =
      this.phase === "closing" ? this.#resting.length : Math.ceil((now - this.#readAgainAt) * READ_AGAIN_PER_MS);
    this.#readAgainAt = now;
    for (const connection of this.#resting.splice(0, turns)) connection.endRest();
    if (this.#resting.length > 0) setTimeout(this.#readAgain, READ_AGAIN_EVERY_MS);
  };

  release(held: number): void {
    this.#held -= held;
  }

  /** Has the connection's next request begun in its turn: after those of others that wait. */
  queue(connection: Connection): void {
    if (this.#queue.push(connection) === 1) setImmediate(() => this.#beginQueued());
  }

  #beginQueued(): void {
    // what these add by being answered at once has its turn later
    for (const connection of this.#queue.splice(0, BEGUN_IN_A_TURN)) connection.beginNext();
    if (this.#queue.length > 0) setImmediate(() => this.#beginQueued());
  }

  owe(connection: Connection, bytes: number): void {
    this.#owing.add(connection);
    this.#owed += bytes;
    while (this.#owed > MAX_OWED_BYTES && this.#owing.size > 1) {
      const slowest = [...this.#owing].reduce((a, b) => (b.isSlowerThan(a) ? b : a));
      slowest.cut("was the slowest to take its answer");
    }
  }

  settle(connection: Connection, bytes: number): void {
    this.#owing.delete(connection);
    this.#owed -= bytes;
  }

  /** To be called each second. */
  tick(): void {
    const runShort = this.#open.size > SHORT * this.#max;
    for (const connection of this.#open.values()) connection.tick(runShort);
  }

  /** Closes those over which nothing is asked; those that are new only if `all`. */
  endIdle(all: boolean): void {
    for (const connection of this.#open.values()) {
      if (connection.isIdle && (all || connection.hasAsked)) connection.end();
    }
  }

  /** Ends what goes on over connections, so that clients come back: to another process, when this one stops. */
  stopLive(): void {
    for (const connection of this.#open.values()) connection.stopLive();
  }

  /** Cuts all that are open, and all that are still to come. */
  destroyAll(): void {
    this.#isOver = true;
    for (const connection of this.#open.values()) connection.destroy();
  }
}
