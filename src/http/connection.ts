import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { LastShown } from "../graphql/execution/access.ts";
import type { Connections } from "./connections.ts";
import { DRAIN_MS, Exchange, type Expectation } from "./exchange.ts";
import { LastAsked } from "./last-asked.ts";
import type { Live } from "./live.ts";

/** A client that takes nothing of its answer for so long is given up. Seconds. */
const SEND_TIMEOUT_S = 15;
/** A client that is told of what happens is asked, each so many seconds, whether it is still there. */
const PROBE_S = 20;
/** When connections run short, one that asks nothing for so long is closed. Seconds. */
const SHORT_IDLE_S = 5;

/**
 * One connection. Node would run every request that a client sends ahead, and keep the answers until they are read; here
 * the next is begun when the one before has been taken, and nothing more is read meanwhile.
 */
export class Connection {
  readonly lastShown = new LastShown();
  readonly lastAsked = new LastAsked();
  readonly #all: Connections;
  readonly #socket: Socket;
  readonly #held: Exchange[] = [];
  readonly #onAnswered = () => this.#answered();
  #current: Exchange | undefined;
  #hasAsked = false;
  /** Whether nothing is read until it is this connection's turn among all whose clients were refused for now. */
  #isResting = false;
  /** Whether the client has sent what cannot be read on. */
  #isBroken = false;
  /** The bytes of the answer that its client has not taken as a whole, and what had been written when it began. */
  #owed = 0;
  #owedFrom = 0;
  #written = 0;
  /** For how many seconds nothing has been written. */
  #quietFor = 0;
  #live: Live | undefined;
  /** What had been read when its client was last asked whether it is there, and for how many seconds it was not asked. */
  #readBefore = 0;
  #unprobedFor = 0;

  constructor(all: Connections, socket: Socket) {
    this.#all = all;
    this.#socket = socket;
  }

  /** Whether the answer that is now begun is the last over this connection. */
  get isEnding(): boolean {
    return (this.phase !== "serving" || this.#isBroken) && this.#held.length === 0;
  }

  get phase(): Connections["phase"] {
    return this.#all.phase;
  }

  countRefusal(code: string): void {
    this.#all.countRefusal(code);
  }

  /** How many requests wait behind the one that is being answered. */
  get held(): number {
    return this.#held.length;
  }

  get isIdle(): boolean {
    return this.#current === undefined && this.#held.length === 0 && !this.#live;
  }

  get hasAsked(): boolean {
    return this.#hasAsked;
  }

  take(request: IncomingMessage, response: ServerResponse, expectation?: Expectation): void {
    // what was read together is still parsed to its end
    if (this.#socket.destroyed) return;
    const exchange = new Exchange(request, response, this, expectation);
    if (this.isIdle) this.#begin(exchange);
    else this.#hold(exchange);
  }

  #hold(exchange: Exchange): void {
    if (this.#held.push(exchange) === 1) this.pause();
    this.#all.hold();
  }

  #begin(exchange: Exchange): void {
    this.#current = exchange;
    this.#hasAsked = true;
    exchange.response.on("close", this.#onAnswered);
    this.#all.serve(exchange);
  }

  /** Notes that something goes on from now on, until the answer ends, or the connection. */
  goLive(live: Live): void {
    this.#live = live;
  }

  /** Ends what goes on. */
  stopLive(): void {
    this.#live?.stop();
  }

  #answered(): void {
    this.#current = undefined;
    this.#live = undefined;
    this.settle();
    if (this.#socket.destroyed) return;
    if (this.#held.length > 0) this.#all.queue(this);
    else if (this.isEnding) this.#socket.destroySoon();
    else if (this.#isResting) this.#rest();
  }

  /** Begins the next of the requests that were sent ahead. */
  beginNext(): void {
    const next = this.#held.shift();
    if (!next) return;
    this.#all.release(1);
    this.#isResting = false;
    this.resume();
    this.#begin(next);
  }

  /** Once the request at hand is answered, reads nothing more until it is its turn among all whose clients were refused for now. */
  rest(): void {
    this.#isResting = true;
  }

  // not at once: when Node has parsed the rest of a request that was not read, it reads on
  #rest(): void {
    setImmediate(() => {
      this.pause();
      this.#all.rest(this);
    });
  }

  endRest(): void {
    this.#isResting = false;
    this.resume();
  }

  /** Reads nothing more for now. */
  pause(): void {
    this.#socket.pause();
  }

  /** Reads on, unless something waits that has been read. */
  resume(): void {
    if (this.#held.length === 0 && !this.#isResting) this.#socket.resume();
  }

  /** Ends a connection whose client has sent what cannot be read: with `farewell`, unless something is being answered. */
  breakOff(farewell: string): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    const { request, response } = this.#current ?? {};
    if (request?.complete || this.#held.length > 0) return;
    if (response?.headersSent) this.#socket.destroySoon();
    else this.#part(farewell);
  }

  #part(farewell: string): void {
    this.#socket.end(farewell);
    // a client that still sends would be reset before it has read this
    this.#socket.resume();
    setTimeout(() => this.#socket.destroy(), DRAIN_MS).unref();
  }

  /** Notes that the client has not taken all of an answer of so many bytes, or of what it was told. */
  owes(bytes: number): void {
    if (this.#owed > 0) {
      // it is no quicker for being sent more
      this.#all.settle(this, this.#owed);
      this.#owed = bytes;
      this.#all.owe(this, bytes);
      return;
    }
    this.#owed = bytes;
    this.#owedFrom = this.#socket.bytesWritten;
    // it was quiet before it was asked
    this.#written = this.#owedFrom;
    this.#quietFor = 0;
    this.#all.owe(this, bytes);
  }

  /** Notes that it has taken everything. */
  settle(): void {
    if (this.#owed === 0) return;
    this.#all.settle(this, this.#owed);
    this.#owed = 0;
  }

  /** Whether this client is slower to take its answer than that of `other`. */
  isSlowerThan(other: Connection): boolean {
    if (this.#quietFor !== other.#quietFor) return this.#quietFor > other.#quietFor;
    return this.#left > other.#left;
  }

  get #left(): number {
    return this.#owed - (this.#socket.bytesWritten - this.#owedFrom);
  }

  /** Looks, each second, at what the client does. */
  tick(runShort: boolean): void {
    const written = this.#socket.bytesWritten;
    this.#quietFor = written === this.#written ? this.#quietFor + 1 : 0;
    this.#written = written;
    if (this.#live) {
      this.#tickLive(this.#live);
      return;
    }
    if (this.#socket.readableEnded) this.#current?.probe();
    if (this.#current?.response.headersSent && this.#quietFor > SEND_TIMEOUT_S) this.cut("did not take its answer");
    else if (!this.#current && runShort && this.#quietFor > SHORT_IDLE_S) this.#socket.destroy();
  }

  #tickLive(live: Live): void {
    if (this.#owed > 0 && this.#quietFor > SEND_TIMEOUT_S) this.cut("did not take what it was told");
    if (this.#socket.readableEnded) live.nudge?.();
    if (!live.probe || ++this.#unprobedFor < PROBE_S) return;
    this.#unprobedFor = 0;
    if (this.#socket.bytesRead === this.#readBefore) this.cut("was there no more");
    this.#readBefore = this.#socket.bytesRead;
    live.probe();
  }

  /** Ends a connection that takes more than its share. */
  cut(reason: string): void {
    this.#all.notices.add(`a client ${reason}, and its connection was cut`);
    if (this.#live) this.#giveUp(this.#live);
    else this.#socket.destroy();
    this.closed();
  }

  #giveUp(live: Live): void {
    this.#live = undefined;
    live.giveUp();
    setTimeout(() => this.#socket.destroy(), DRAIN_MS).unref();
  }

  end(): void {
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Gives back what the connection had of what all share. */
  closed(): void {
    this.settle();
    this.#all.release(this.#held.length);
    this.#held.length = 0;
  }
}
