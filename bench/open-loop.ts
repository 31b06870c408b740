import { connect, type Socket } from "node:net";

/** What came of the requests that were sent at one rate, whether or not those before had been answered. */
export interface Outcome {
  readonly seconds: number;
  readonly sent: number;
  /** How many were due while no connection was free. */
  readonly unsent: number;
  /** Milliseconds until each was answered, by its status; 0 if the connection was closed in place of that. */
  readonly ms: ReadonlyMap<number, readonly number[]>;
  /** The `Retry-After`s of those that were refused. */
  readonly retryAfter: ReadonlyMap<string, number>;
}

/** A connection over which one request is under way at a time, and how far its answer has come. */
interface Client {
  readonly socket: Socket;
  head: string;
  /** Bytes of the body that are still to come; undefined while the head is. */
  left: number | undefined;
  since: number;
}

/** Requests over raw sockets: a client library would take longer for each than the service takes to refuse it. */
export class OpenLoop {
  readonly #url: URL;
  readonly #bodyOf: (n: number) => string;
  readonly #idle: Client[] = [];
  #isClosed = false;
  #n = 0;
  #sent = 0;
  #ms = new Map<number, number[]>();
  #retryAfter = new Map<string, number>();

  constructor(url: string, bodyOf: (n: number) => string) {
    this.#url = new URL(url);
    this.#bodyOf = bodyOf;
  }

  async connect(connections: number): Promise<void> {
    for (let i = 0; i < connections; i++) await this.#connect();
  }

  /** Sends so many in a second; with `Infinity` whenever one of `connections` is free. */
  async run(perSecond: number, seconds: number, connections = Number.POSITIVE_INFINITY): Promise<Outcome> {
    [this.#sent, this.#ms, this.#retryAfter] = [0, new Map(), new Map()];
    const all = this.#idle.length;
    const began = performance.now();
    let due = 0;
    let unsent = 0;
    for (let now = began; now < began + seconds * 1000; now = performance.now()) {
      const target = Math.min(perSecond * ((now - began) / 1000), Number.MAX_SAFE_INTEGER);
      while (due < target && all - this.#idle.length < connections) {
        due++;
        if (!this.#send()) {
          if (perSecond === Number.POSITIVE_INFINITY) break;
          unsent++;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const measured = (performance.now() - began) / 1000;
    const outcome = { seconds: measured, sent: this.#sent, unsent, ms: this.#ms, retryAfter: this.#retryAfter };
    while (this.#idle.length < all) await new Promise((resolve) => setTimeout(resolve, 10));
    return outcome;
  }

  close(): void {
    this.#isClosed = true;
    for (const { socket } of this.#idle) socket.destroy();
  }

  async #connect(): Promise<void> {
    const socket = connect(Number(this.#url.port), this.#url.hostname);
    const client: Client = { socket, head: "", left: undefined, since: 0 };
    socket.setNoDelay(true);
    socket.on("data", (bytes) => this.#take(client, bytes));
    socket.on("error", () => {});
    socket.on("close", () => this.#renew(client));
    await new Promise<void>((resolve) => socket.once("connect", resolve));
    this.#idle.push(client);
  }

  /** A service closes connections that have been idle for long. */
  #renew(client: Client): void {
    if (this.#isClosed) return;
    if (this.#idle.includes(client)) this.#idle.splice(this.#idle.indexOf(client), 1);
    else this.#note(0, client);
    void this.#connect();
  }

  #note(status: number, client: Client): void {
    const times = this.#ms.get(status) ?? [];
    times.push(performance.now() - client.since);
    this.#ms.set(status, times);
  }

  #send(): boolean {
    const client = this.#idle.pop();
    if (!client) return false;
    const body = this.#bodyOf(this.#n++);
    client.since = performance.now();
    client.socket.write(
      `POST ${this.#url.pathname} HTTP/1.1\r\nHost: ${this.#url.host}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    this.#sent++;
    return true;
  }

  #take(client: Client, bytes: Buffer): void {
    // who has asked nothing for long is told why the connection is closed
    if (this.#idle.includes(client)) return;
    let rest = bytes.length;
    if (client.left === undefined) {
      client.head += bytes.toString("latin1");
      const end = client.head.indexOf("\r\n\r\n");
      if (end < 0) return;
      client.left = Number(/^content-length: (\d+)/im.exec(client.head)?.[1] ?? 0);
      rest = client.head.length - end - 4;
    }
    client.left -= rest;
    if (client.left > 0) return;
    const status = Number(client.head.slice(9, 12));
    this.#note(status, client);
    const after = status === 503 ? /^retry-after: (\d+)/im.exec(client.head)?.[1] : undefined;
    if (after !== undefined) this.#retryAfter.set(after, (this.#retryAfter.get(after) ?? 0) + 1);
    client.head = "";
    client.left = undefined;
    this.#idle.push(client);
  }
}
