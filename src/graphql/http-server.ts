import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { finished } from "node:stream/promises";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { serveGraphiql, wantsGraphiql } from "./graphiql.ts";

/** A request whose body has not arrived by then is ended, so that it cannot hold up a stop for ever. Milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000;
/** How long the rest of a refused body is read and thrown away. */
const DRAIN_MS = 1000;
/** At a stop, what the network has delivered by then is still read, however busy the process is. Milliseconds. */
const STOP_GRACE_MS = 20;

const JSON_TYPE = "application/json";
const GRAPHQL_RESPONSE_TYPE = "application/graphql-response+json";

/** Whether the process can serve as configured, and what of it cannot. */
export interface Readiness {
  readonly ready: boolean;
  readonly database: "up" | "down";
  readonly redis: "up" | "down" | "off";
}

export interface HttpServerOptions {
  /** Answers requests that are well formed. It sees nothing else of them: no host, path or header of the client's. */
  readonly graphql: { fetch(url: string, init: RequestInit): Response | Promise<Response> };
  readonly readiness: () => Promise<Readiness>;
  readonly maxBodyBytes: number;
  readonly log: Logger;
}

/** The HTTP side: routes, the body limit, and a stop that finishes what is in flight. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  /** Every open connection, and what is still to be answered over it. */
  readonly #connections = new Map<Socket, Set<ServerResponse>>();
  #stopping = false;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
      this.#follow(request.socket, response);
      this.#route(request, response).catch((error) => this.#fail(error, request, response));
    });
    this.#server.on("connection", (socket) => {
      this.#connections.set(socket, new Set());
      socket.on("close", () => this.#connections.delete(socket));
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
    await sleep(STOP_GRACE_MS);
    for (let turn = 0; turn < 2; turn++) await nextTurn();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const [socket, unanswered] of this.#connections) {
      for (const response of unanswered) if (!response.headersSent) response.setHeader("connection", "close");
      // Node's closeIdleConnections() spares those over which nothing has come yet, as browsers keep them
      if (unanswered.size === 0) socket.destroy();
    }
    // a server that is closing no longer looks after its time-outs
    const overdue = setTimeout(() => this.#server.closeAllConnections(), REQUEST_TIMEOUT_MS);
    await closed;
    clearTimeout(overdue);
  }

  /** Notes what a connection is needed for; at a stop, ends it when that is done. */
  #follow(socket: Socket, response: ServerResponse): void {
    const unanswered = this.#connections.get(socket);
    unanswered?.add(response);
    response.on("close", () => {
      unanswered?.delete(response);
      if (this.#stopping && unanswered?.size === 0) socket.destroySoon();
    });
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#stopping) response.setHeader("connection", "close");
    const url = targetOf(request);
    switch (url?.pathname) {
      case "/graphql":
        return this.#graphql(request, response, url as URL);
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
    switch (request.method) {
      case "GET":
      case "HEAD":
        if (wantsGraphiql(request)) return serveGraphiql(request, response);
        if (isWellFormed(url.searchParams)) return this.#answer(request, response, url.search, { method: "GET" });
        return refuse(response, 400, "GET takes a query, and variables and extensions as JSON.");
      case "POST":
        return this.#post(request, response);
      default:
        response.setHeader("allow", "GET, HEAD, POST");
        return refuseBody(request, response, 405, "GraphQL takes GET and POST.");
    }
  }

  async #post(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!/^application\/json\s*(;|$)/i.test(request.headers["content-type"] ?? "")) {
      return refuseBody(request, response, 415, "POST takes a body of the type application/json.");
    }
    const { maxBodyBytes } = this.#options;
    const bytes = await readBody(request, maxBodyBytes);
    if (!bytes) return refuseBody(request, response, 413, `The body may have at most ${maxBodyBytes} bytes.`);
    const body = parseBody(bytes);
    if (!body) return refuse(response, 400, "The body must be a JSON object in UTF-8 that holds a query.");
    return this.#answer(request, response, "", { method: "POST", body });
  }

  async #answer(request: IncomingMessage, response: ServerResponse, search: string, init: RequestInit): Promise<void> {
    const accept = request.headers.accept?.includes(GRAPHQL_RESPONSE_TYPE) ? GRAPHQL_RESPONSE_TYPE : JSON_TYPE;
    const headers = { accept, "content-type": JSON_TYPE };
    const answer = await this.#options.graphql.fetch(`http://localhost/graphql${search}`, { ...init, headers });
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
  }

  #fail(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    // a client that left before its request was whole is no fault of anyone's
    if (request.complete) this.#options.log.error({ err: error }, "a request failed unexpectedly");
    if (response.headersSent || !request.complete) response.destroy();
    else refuse(response, 500, "Something went wrong on the server; the error was logged.", "INTERNAL_SERVER_ERROR");
  }
}

/** What the request asks for; null when that is no URL. A path may begin with `//`, which is no host here. */
function targetOf({ url = "/" }: IncomingMessage): URL | null {
  return URL.parse(url.startsWith("/") ? `http://localhost${url}` : url);
}

/** The whole body, or undefined when it is too large. */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  if (Number(request.headers["content-length"]) > maxBytes) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  // the connection is still needed for the answer
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The body as text if it is JSON in UTF-8 with a query, else undefined; what else it holds is GraphQL's concern. */
function parseBody(bytes: Buffer): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return typeof JSON.parse(text)?.query === "string" ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a query string holds a query, and JSON where JSON belongs. */
function isWellFormed(parameters: URLSearchParams): boolean {
  try {
    for (const name of ["variables", "extensions"]) JSON.parse(parameters.get(name) || "null");
    return parameters.has("query");
  } catch {
    return false;
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  write(response, status, body);
  response.end();
}

function write(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  const headers = { "content-type": `${JSON_TYPE}; charset=utf-8`, "content-length": Buffer.byteLength(text) };
  response.writeHead(status, headers).write(text);
}

function refuse(response: ServerResponse, status: number, message: string, code?: string): void {
  send(response, status, refusal(message, code));
}

/**
 * Refuses a request whose body is not read. To close the connection while the client still sends would reset it and
 * lose the answer; so for a while the rest is thrown away first.
 */
async function refuseBody(request: IncomingMessage, response: ServerResponse, status: number, message: string) {
  response.setHeader("connection", "close");
  write(response, status, refusal(message));
  request.resume();
  await finished(request, { writable: false, signal: AbortSignal.timeout(DRAIN_MS) }).catch(() => {});
  response.end();
}

function refusal(message: string, code = "BAD_REQUEST") {
  return { errors: [{ message, extensions: { code } }] };
}
