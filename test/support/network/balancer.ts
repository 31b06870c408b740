import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { Duplex } from "node:stream";
import { onFinished } from "../cleanup.ts";

/** What goes wrong with a request: it never arrives, its answer is lost, whole or half, or does not come; or a proxy answers. */
export type BalancerFault =
  | "request lost"
  | "answer lost"
  | "answer cut"
  | "no answer"
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string };

/** A request as it came. */
export interface BalancedRequest {
  readonly atLeast: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  /** The target that it went to; undefined where it went to none. */
  readonly target: string | undefined;
}

/** Stands before the processes of a service, under one address, and gives each request to the next of them. */
export class Balancer {
  readonly asked: BalancedRequest[] = [];
  readonly #server: Server;
  readonly #faults: BalancerFault[] = [];
  #targets: readonly URL[];
  readonly #sockets = new Set<Duplex>();
  #turn = 0;

  constructor(targets: readonly string[]) {
    this.#targets = targets.map((url) => new URL(url));
    this.#server = createServer((asked, answer) => void this.#serve(asked, answer));
    this.#server.on("upgrade", (asked, socket, head) => this.#upgrade(asked, socket, head));
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/graphql`;
  }

  /** Has these go wrong with the next requests, one with each. */
  fail(...faults: readonly BalancerFault[]): void {
    this.#faults.push(...faults);
  }

  /** Forgets what was asked. */
  reset(): void {
    this.asked.length = 0;
  }

  /** Gives requests to others from now on. */
  lead(...targets: readonly string[]): void {
    this.#targets = targets.map((url) => new URL(url));
  }

  /** Ends all WebSockets without a word. */
  cutSockets(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.cutSockets();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #next(): URL {
    return this.#targets[this.#turn++ % this.#targets.length] as URL;
  }

  async #serve(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of asked) pieces.push(piece);
    const body = Buffer.concat(pieces);
    // a browser's question what it may send is no request of the page's
    const fault = asked.method === "OPTIONS" ? undefined : this.#faults.shift();
    const isForwarded =
      fault === undefined || fault === "answer lost" || fault === "answer cut" || fault === "no answer";
    const target = isForwarded ? this.#next() : undefined;
    const atLeast = asked.headers["consistency-at-least"]?.toString();
    const { headers } = asked;
    if (asked.method !== "OPTIONS") this.asked.push({ atLeast, headers, body: body.toString(), target: target?.href });
    if (fault === "request lost") asked.socket.destroy();
    else if (!target) this.#answer(answer, fault as Exclude<BalancerFault, string>);
    else this.#forward(target, asked, body, answer, fault as "answer lost" | undefined);
  }

  #answer(answer: ServerResponse, { status, headers, body }: Exclude<BalancerFault, string>): void {
    answer.writeHead(status, { "content-type": "text/plain", ...headers }).end(body);
  }

  #forward(
    target: URL,
    { url = "/", method, headers, socket }: IncomingMessage,
    body: Buffer,
    answer: ServerResponse,
    fault: "answer lost" | "answer cut" | "no answer" | undefined,
  ): void {
    const forwarded = request(new URL(url, target), { method, headers: { ...headers, host: target.host } });
    forwarded.on("error", () => socket.destroy());
    answer.on("close", () => forwarded.destroy());
    forwarded.on("response", (given) => {
      if (fault === "no answer") return;
      if (fault === "answer lost") return void given.on("end", () => socket.destroy()).resume();
      answer.writeHead(given.statusCode ?? 502, given.headers);
      if (fault === "answer cut")
        return void given.on("data", (piece) => answer.write(piece.subarray(0, 9), () => socket.destroy()));
      given.pipe(answer);
    });
    forwarded.end(body);
  }

  #upgrade({ url, headers }: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { hostname, port, host } = this.#next();
    const lines = Object.entries({ ...headers, host }).map(([name, value]) => `${name}: ${value}\r\n`);
    const target = connect({ port: Number(port), host: hostname }, () => {
      target.write(`GET ${url} HTTP/1.1\r\n${lines.join("")}\r\n`);
      target.write(head);
      target.pipe(socket).pipe(target);
    });
    const end = () => {
      target.destroy();
      socket.destroy();
    };
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    for (const either of [target, socket]) either.on("close", end).on("error", end);
  }
}

/** Starts a balancer before the services with these URLs. It ends with the test. */
export async function startBalancer(...targets: readonly string[]): Promise<Balancer> {
  const balancer = new Balancer(targets);
  await balancer.listen();
  onFinished(() => balancer.close());
  return balancer;
}
