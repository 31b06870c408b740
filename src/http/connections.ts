import type { Socket } from "node:net";
import { Connection } from "./connection.ts";
import type { Exchange } from "./exchange.ts";
import type { Notices } from "./notices.ts";

/** So many requests, of some 6 kB each, may wait behind others; beyond it the client that has sent most ahead is cut off. */
const MAX_HELD = 10_000;
/** What all answers that their clients have not taken yet may have together; beyond it the slowest client is cut off. */
const MAX_OWED_BYTES = 256_000_000;
/** The share of the connections that may be open before idle ones are closed early. */
const SHORT = 0.75;

/** Every open connection, and what they share. */
export class Connections {
  readonly serve: (exchange: Exchange) => void;
  readonly notices: Notices;
  stopping = false;
  /** How many there have been. */
  accepted = 0;
  readonly #max: number;
  readonly #open = new Map<Socket, Connection>();
  readonly #owing = new Set<Connection>();
  #held = 0;
  #owed = 0;
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
    socket.on("close", () => {
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

  /** Counts a request that waits behind another. */
  hold(): void {
    if (++this.#held <= MAX_HELD) return;
    const greediest = [...this.#open.values()].reduce((a, b) => (b.held > a.held ? b : a));
    greediest.cut("sent too many requests ahead");
  }

  release(held: number): void {
    this.#held -= held;
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

  /** Cuts all that are open, and all that are still to come. */
  destroyAll(): void {
    this.#isOver = true;
    for (const connection of this.#open.values()) connection.destroy();
  }
}
