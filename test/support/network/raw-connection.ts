import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { eventually } from "../wait.ts";

export interface RawResponse {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** A bare TCP connection to a service, for what no HTTP client would send. */
export class RawConnection {
  readonly #socket: Socket;
  /** What was received and is not parsed yet. */
  #received: Buffer[] = [];
  readonly #responses: { status: number; head: string; body: Buffer }[] = [];
  #isInvited = false;
  /** How the connection ended; undefined while it is open. */
  ended: "closed" | "reset" | undefined;
  /** When the first bytes of an answer are there. */
  readonly answered: Promise<void>;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.answered = new Promise((resolve) => {
      socket.once("data", () => resolve());
    });
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

  /** The first so many responses, once they are there as a whole. Those that only tell of one to come are left out. */
  async responses(count: number): Promise<RawResponse[]> {
    await eventually("a response", () => {
      this.#parse();
      return this.#responses.length >= count || this.ended !== undefined;
    });
    const found = this.#responses;
    if (found.length < count) throw new Error(`${this.ended} after ${found.length} responses`);
    return found.map(({ body, ...rest }) => ({ ...rest, body: body.toString() }));
  }

  /** Whether the server has asked for the body. */
  get isInvited(): boolean {
    this.#parse();
    return this.#isInvited;
  }

  /** Takes the responses that are whole from what was received. */
  #parse(): void {
    const received = Buffer.concat(this.#received);
    let at = 0;
    for (;;) {
      const end = received.indexOf("\r\n\r\n", at);
      const head = end < 0 ? "" : received.toString("latin1", at, end);
      const next = end + 4 + Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
      if (end < 0 || next > received.length) break;
      const status = Number(head.split(" ")[1]);
      if (status === 100) this.#isInvited = true;
      if (status >= 200) this.#responses.push({ status, head, body: received.subarray(end + 4, next) });
      at = next;
    }
    this.#received = [received.subarray(at)];
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
