import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { eventually } from "./wait.ts";

export interface RawResponse {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** A bare TCP connection to a service, for what no HTTP client would send. */
export class RawConnection {
  readonly #socket: Socket;
  #received = "";
  /** How the connection ended; undefined while it is open. */
  ended: "closed" | "reset" | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => {
      this.#received += chunk;
    });
    socket.on("error", () => {
      this.ended = "reset";
    });
    socket.on("close", () => {
      this.ended ??= "closed";
    });
  }

  /** Sends bytes, and returns when the system has taken them or the connection is gone. */
  async send(bytes: string | Buffer): Promise<void> {
    await new Promise((resolve) => this.#socket.write(bytes, resolve));
  }

  close(): void {
    this.#socket.destroy();
  }

  /** The first response, once it is there as a whole. */
  async response(): Promise<RawResponse> {
    const response = await eventually("a response", (): RawResponse | false => {
      const [head = "", body] = this.#received.split(/\r\n\r\n(.*)/s);
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
      if (body === undefined || Buffer.byteLength(body) < length) {
        if (this.ended) throw new Error(`${this.ended} without a response`);
        return false;
      }
      return { status: Number(head.split(" ")[1]), head, body };
    });
    return response as RawResponse;
  }
}

/** Connects to the server of `url`. The connection ends with the test. */
export async function openConnection(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => {
    socket.destroy();
  });
  const connection = new RawConnection(socket);
  await once(socket, "connect");
  return connection;
}

/** The bytes of a request with a JSON body. */
export function postOf(body: string, ...headers: string[]): string {
  const all = ["Host: localhost", "Content-Type: application/json", `Content-Length: ${Buffer.byteLength(body)}`];
  return `POST /graphql HTTP/1.1\r\n${[...all, ...headers].join("\r\n")}\r\n\r\n${body}`;
}
