import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { onFinished } from "../cleanup.ts";

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** The server's side is gone and the client has not been told. */
  halfOpen: boolean;
}

type Direction = "requests" | "replies";

/** A way to a TCP server that a test can cut, slow down, hold up or silence. */
export class TcpProxy {
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #target: number;
  #holding: "nothing" | Direction = "nothing";
  #delayMs = { requests: 0, replies: 0 };
  #bytesPerMs = Infinity;
  #refusing = false;
  #rewriting: readonly [string, string] | undefined;
  /** How often clients have spoken after the server had, or first: each is a round trip. */
  turns = 0;
  /** How many bytes have come so far. */
  readonly bytes = { requests: 0, replies: 0 };
  #cutting: { readonly direction: Direction; left: number } | undefined;

  constructor(targetPort: number) {
    this.#target = targetPort;
    // else a small piece waits until the one before is acknowledged, which its receiver takes 40 ms over
    this.#server = createServer({ noDelay: true }, (client) => {
      if (this.#refusing) {
        client.destroy();
        return;
      }
      const server = connect({ port: this.#target, host: "127.0.0.1", noDelay: true });
      const link: Link = { client, server, halfOpen: false };
      this.#links.add(link);
      const end = () => {
        this.#links.delete(link);
        client.destroy();
        server.destroy();
      };
      client.on("close", end).on("error", end);
      const endUnlessHalfOpen = () => link.halfOpen || end();
      server.on("close", endUnlessHalfOpen).on("error", endUnlessHalfOpen);
      let isClientsTurn = true;
      client.on("data", () => {
        if (isClientsTurn) this.turns++;
        isClientsTurn = false;
      });
      server.on("data", () => {
        isClientsTurn = true;
      });
      this.#pass(client, server, "requests");
      this.#pass(server, client, "replies");
      this.#hold(link);
    });
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Ends all connections and refuses new ones. */
  cut(): void {
    this.#refusing = true;
    for (const { client, server } of this.#links) {
      client.destroy();
      server.destroy();
    }
  }

  /** Ends the connection over which so many more bytes have passed, unless `heal`ed; what comes after is lost. New ones work. */
  cutAfter(bytes: number, direction: Direction): void {
    this.#cutting = { direction, left: bytes };
  }

  /** Leads new connections to another port. Those that are open stay as they are unless `cut`. */
  lead(targetPort: number): void {
    this.#target = targetPort;
  }

  /** Keeps what clients send, or what the server replies, until `heal`. Connections stay open. */
  hold(direction: Direction): void {
    this.#holding = direction;
    for (const link of this.#links) this.#hold(link);
  }

  /** Lets everything that is sent from now on arrive this much later, in each direction, until `heal`. */
  delay(ms: number, repliesMs = ms): void {
    this.#delayMs = { requests: ms, replies: repliesMs };
  }

  /** Lets no more than so many bytes pass in a second, in each direction of each connection, until `heal`. */
  throttle(bytesPerSecond: number): void {
    this.#bytesPerMs = bytesPerSecond / 1000;
  }

  /** Replaces a text in what clients send, until `heal`, by another one of the same length. */
  rewrite(text: string, by: string): void {
    this.#rewriting = [text, by];
  }

  /** Ends all connections as the server sees it; clients are not told, and what they send is lost. New ones work. */
  halfOpen(): void {
    for (const link of this.#links) {
      link.halfOpen = true;
      link.server.destroy();
    }
  }

  /** Delivers what was held, and lets everything pass. */
  heal(): void {
    this.#refusing = false;
    this.#holding = "nothing";
    this.#delayMs = { requests: 0, replies: 0 };
    this.#bytesPerMs = Infinity;
    this.#rewriting = undefined;
    this.#cutting = undefined;
    for (const { client, server } of this.#links) {
      client.resume();
      server.resume();
    }
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #rewritten(chunk: Buffer): Buffer {
    if (!this.#rewriting) return chunk;
    const [text, by] = this.#rewriting;
    return Buffer.from(chunk.toString("latin1").replaceAll(text, by), "latin1");
  }

  #pass(from: Socket, to: Socket, direction: Direction): void {
    let delivered = Promise.resolve<unknown>(undefined);
    from.on("data", (sent: Buffer) => {
      this.bytes[direction] += sent.length;
      const cutting = this.#cutting?.direction === direction ? this.#cutting : undefined;
      if (cutting && sent.length > cutting.left) {
        this.#cutting = undefined;
        delivered.then(() => to.end(sent.subarray(0, cutting.left)));
        from.destroy();
        return;
      }
      if (cutting) cutting.left -= sent.length;
      const chunk = direction === "requests" ? this.#rewritten(sent) : sent;
      if (!to.destroyed) {
        const due = performance.now() + this.#delayMs[direction];
        delivered = delivered
          .then(() => (due > performance.now() ? sleep(due - performance.now()) : undefined))
          .then(() => this.#write(to, chunk));
      }
    });
  }

  async #write(to: Socket, chunk: Buffer): Promise<void> {
    for (let from = 0; from < chunk.length && !to.destroyed; ) {
      // as a network does: a little at a time
      const piece = this.#bytesPerMs < Infinity ? chunk.subarray(from, from + 4096) : chunk.subarray(from);
      to.write(piece);
      from += piece.length;
      if (this.#bytesPerMs < Infinity) await sleep(piece.length / this.#bytesPerMs);
    }
  }

  #hold({ client, server }: Link): void {
    if (this.#holding === "requests") client.pause();
    if (this.#holding === "replies") server.pause();
  }
}

/** Starts a proxy in front of a port of this machine. It ends with the test. */
export async function startProxy(targetPort: number): Promise<TcpProxy> {
  const proxy = new TcpProxy(targetPort);
  await proxy.listen();
  onFinished(() => proxy.close());
  return proxy;
}
