import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A way to a TCP server that a test can cut, hold up or silence. */
export class Proxy {
  readonly #server: Server;
  readonly #links = new Set<{ readonly client: Socket; readonly server: Socket }>();
  #target: number;
  #holding: "nothing" | "requests" | "replies" = "nothing";
  #refusing = false;

  constructor(targetPort: number) {
    this.#target = targetPort;
    this.#server = createServer((client) => {
      if (this.#refusing) {
        client.destroy();
        return;
      }
      const server = connect(this.#target, "127.0.0.1");
      const link = { client, server };
      this.#links.add(link);
      const end = () => {
        this.#links.delete(link);
        client.destroy();
        server.destroy();
      };
      for (const socket of [client, server]) socket.on("close", end).on("error", end);
      client.on("data", (chunk) => server.write(chunk));
      server.on("data", (chunk) => client.write(chunk));
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

  /** Ends all connections; new ones lead to another port. */
  lead(targetPort: number): void {
    this.cut();
    this.#target = targetPort;
    this.#refusing = false;
  }

  /** Keeps what clients send, or what the server replies, until `heal`. Connections stay open. */
  hold(direction: "requests" | "replies"): void {
    this.#holding = direction;
    for (const link of this.#links) this.#hold(link);
  }

  /** Delivers what was held, and lets everything pass. */
  heal(): void {
    this.#refusing = false;
    this.#holding = "nothing";
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

  #hold({ client, server }: { client: Socket; server: Socket }): void {
    if (this.#holding === "requests") client.pause();
    if (this.#holding === "replies") server.pause();
  }
}

/** Starts a proxy in front of a port of this machine. It ends with the test. */
export async function startProxy(targetPort: number): Promise<Proxy> {
  const proxy = new Proxy(targetPort);
  await proxy.listen();
  onTestFinished(() => proxy.close());
  return proxy;
}
