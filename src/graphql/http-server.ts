import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { serveGraphiql, wantsGraphiql } from "./graphiql.ts";

/** A request whose body has not arrived by then is ended, so that it cannot hold up a stop for ever. Milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Whether the process can serve as configured, and what of it cannot. */
export interface Readiness {
  readonly ready: boolean;
  readonly database: "up" | "down";
  readonly redis: "up" | "down" | "off";
}

export interface HttpServerOptions {
  /** Handles requests to `/graphql`; the body, read and within its limit, is in `request.body`. */
  readonly graphql: (request: IncomingMessage, response: ServerResponse) => unknown;
  readonly readiness: () => Promise<Readiness>;
  readonly maxBodyBytes: number;
}

/** The HTTP side: routes, the body limit, and a stop that finishes what is in flight. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  #stopping = false;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
      // server.close() leaves a connection open that is busy now and idle later
      response.on("close", () => this.#stopping && this.#server.closeIdleConnections());
      this.#route(request, response).catch(() => response.destroy());
    });
  }

  /** @returns the URL of the API */
  async listen(port: number, host: string): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => resolve(this.#server.off("error", reject) as never));
    });
    const address = this.#server.address() as AddressInfo;
    const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
    return `http://${name}:${address.port}/graphql`;
  }

  /** Accepts nothing more, and returns when every request whose headers have arrived is answered. */
  async close(): Promise<void> {
    this.#stopping = true;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeIdleConnections();
    await closed;
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#stopping) response.setHeader("connection", "close");
    const url = new URL(request.url ?? "/", "http://localhost");
    switch (url.pathname) {
      case "/graphql":
        return this.#graphql(request, response, url);
      case "/health":
        return send(response, 200, { status: "ok" });
      case "/ready": {
        const readiness = await this.#options.readiness();
        const ready = readiness.ready && !this.#stopping;
        return send(response, ready ? 200 : 503, { ...readiness, ready });
      }
      case "/":
        response.writeHead(302, { location: "/graphql" }).end();
        return;
      default:
        return refuse(response, 404, "There is nothing here. The API is at /graphql.");
    }
  }

  async #graphql(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    if (wantsGraphiql(request, url)) return serveGraphiql(request, response);
    if (request.method === "POST") {
      const type = request.headers["content-type"] ?? "";
      if (!/^application\/json\s*(;|$)/i.test(type)) {
        return refuse(response, 415, "POST takes a body of the type application/json.");
      }
      const body = await readBody(request, this.#options.maxBodyBytes);
      if (body === undefined) {
        response.setHeader("connection", "close");
        return refuse(response, 413, `The body may have at most ${this.#options.maxBodyBytes} bytes.`);
      }
      Object.assign(request, { body });
    }
    await this.#options.graphql(request, response);
  }
}

/** The whole body, or undefined when it is too large; what is too large is not read. */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  if (Number(request.headers["content-length"]) > maxBytes) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(body));
}

function refuse(response: ServerResponse, status: number, message: string): void {
  send(response, status, { errors: [{ message, extensions: { code: "BAD_REQUEST" } }] });
}
