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
  #received: Buffer[] = [];
  /** How the connection ended; undefined while it is open. */
  ended: "closed" | "reset" | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => {
      this.#received.push(chunk);
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

  /** From now on nothing is read, until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Says that nothing more is sent, but goes on reading. */
  halfClose(): void {
    this.#socket.end();
  }

  /** The first response, once it is there as a whole. */
  async response(): Promise<RawResponse> {
    const [response] = await this.responses(1);
    return response as RawResponse;
  }

  /** The first so many responses, once they are there as a whole. Those of status 100 are left out. */
  async responses(count: number): Promise<RawResponse[]> {
    const found = await eventually("a response", () => {
      const responses = parse(this.#all);
      return (responses.length >= count || this.ended !== undefined) && responses;
    });
    if (!found || found.length < count) throw new Error(`${this.ended} after ${found ? found.length : 0} responses`);
    // to decode is what takes time, so it is not tried
    return found.map(({ body, ...rest }) => ({ ...rest, body: body.toString() }));
  }

  /** Whether the server has asked for the body. */
  get isInvited(): boolean {
    return this.#all.includes("HTTP/1.1 100 ");
  }

  get #all(): Buffer {
    // answers of megabytes are looked at often while they come
    if (this.#received.length !== 1) this.#received = [Buffer.concat(this.#received)];
    return this.#received[0] as Buffer;
  }
}

/** The responses that are whole. */
function parse(received: Buffer) {
  const responses: { status: number; head: string; body: Buffer }[] = [];
  for (let at = 0; ; ) {
    const end = received.indexOf("\r\n\r\n", at);
    if (end < 0) return responses;
    const head = received.toString("latin1", at, end);
    const status = Number(head.split(" ")[1]);
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    at = end + 4 + length;
    if (at > received.length) return responses;
    if (status !== 100) responses.push({ status, head, body: received.subarray(end + 4, at) });
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

/** A request for two megabytes. A few of their answers are more than the system takes for a client that does not read. */
export const PAGE = "GET /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n";

/** The bytes of a request with a JSON body. */
export function postOf(body: string, ...headers: string[]): string {
  const all = ["Host: localhost", "Content-Type: application/json", `Content-Length: ${Buffer.byteLength(body)}`];
  return `POST /graphql HTTP/1.1\r\n${[...all, ...headers].join("\r\n")}\r\n\r\n${body}`;
}
