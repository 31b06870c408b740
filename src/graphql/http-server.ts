import { isUtf8 } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { finished } from "node:stream/promises";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { serveGraphiql, wantsGraphiql } from "./graphiql.ts";
import { GRAPHQL_RESPONSE_TYPE, type GraphqlRequest, type GraphqlResponse, JSON_TYPE } from "./yoga.ts";

/** A request whose body has not arrived by then is ended, so that it cannot hold up a stop for ever. Milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000;
/** How long the rest of a refused body is read and thrown away. */
const DRAIN_MS = 1000;
/** At a stop, what the network has delivered by then is still read, however busy the process is. Milliseconds. */
const STOP_GRACE_MS = 20;

/** Whether the process can serve as configured, and what of it cannot. */
export interface Readiness {
  readonly ready: boolean;
  readonly database: "up" | "down";
  readonly redis: "up" | "down" | "off";
}

export interface HttpServerOptions {
  /** Answers requests that are well formed. It sees nothing else of them: no host, path or header of the client's. */
  readonly graphql: {
    replay(text: string): Promise<string | Buffer | undefined>;
    answer(request: GraphqlRequest): Promise<GraphqlResponse>;
  };
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
    // a URL is only parsed where it may say something else
    if (request.method === "POST" && request.url === "/graphql") return this.#post(request, response);
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
        return this.#get(request, response, url);
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
    const text = isUtf8(bytes) ? bytes.toString() : "";
    const known = await this.#options.graphql.replay(text);
    if (known !== undefined) return write(response, 200, headersOf(acceptedBy(request)), known);
    const params = paramsOfBody(text);
    if (!params) return refuse(response, 400, "The body must be a JSON object in UTF-8 that holds a query.");
    return this.#answer(request, response, { method: "POST", text, params });
  }

  async #get(request: IncomingMessage, response: ServerResponse, { searchParams }: URL): Promise<void> {
    const params = paramsOfSearch(searchParams);
    if (!params) return refuse(response, 400, "GET takes a query, and variables and extensions as JSON.");
    return this.#answer(request, response, { method: "GET", params });
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    asked: Omit<GraphqlRequest, "accept">,
  ): Promise<void> {
    const { status, headers, body } = await this.#options.graphql.answer({ ...asked, accept: acceptedBy(request) });
    write(response, status, headers, body);
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

function acceptedBy({ headers }: IncomingMessage): GraphqlRequest["accept"] {
  return headers.accept?.includes(GRAPHQL_RESPONSE_TYPE) ? GRAPHQL_RESPONSE_TYPE : JSON_TYPE;
}

/** The whole body, or undefined when it is too large. */
function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = Number(request.headers["content-length"]) > maxBytes ? Number.POSITIVE_INFINITY : 0;
    if (size > maxBytes) return resolve(undefined);
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) return resolve(undefined);
      chunks.push(chunk);
    });
    request.on("end", () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    request.on("error", reject);
  });
}

/** Of a body that is a JSON object with a query; what else it holds is GraphQL's concern. */
function paramsOfBody(text: string): GraphqlRequest["params"] | undefined {
  // an encoder's byte order mark is no part of the JSON
  const params = parseJson(text.replace(/^\ufeff/, ""));
  return typeof params?.query === "string" ? params : undefined;
}

/** Of a query string that holds a query, and JSON where JSON belongs. */
function paramsOfSearch(search: URLSearchParams): GraphqlRequest["params"] | undefined {
  const query = search.get("query");
  if (!query) return undefined;
  const variables = parseJson(search.get("variables") || "null");
  const extensions = parseJson(search.get("extensions") || "null");
  if (variables === undefined || extensions === undefined) return undefined;
  const operationName = search.get("operationName");
  return { query, variables, extensions, ...(operationName && { operationName }) };
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of a client's
function parseJson(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  write(response, status, headersOf(JSON_TYPE), JSON.stringify(body));
}

/** In one piece, whose length is known. */
function write(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Buffer,
): void {
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) }).end(body);
}

function headersOf(type: string): Record<string, string> {
  return { "content-type": `${type}; charset=utf-8` };
}

function refuse(response: ServerResponse, status: number, message: string, code?: string): void {
  send(response, status, refusal(message, code));
}

/**
 * Refuses a request whose body is not read. To close the connection while the client still sends would reset it and
 * lose the answer; so for a while the rest is thrown away first.
 */
async function refuseBody(request: IncomingMessage, response: ServerResponse, status: number, message: string) {
  const text = JSON.stringify(refusal(message));
  const headers = { ...headersOf(JSON_TYPE), "content-length": Buffer.byteLength(text), connection: "close" };
  response.writeHead(status, headers).write(text);
  request.resume();
  await finished(request, { writable: false, signal: AbortSignal.timeout(DRAIN_MS) }).catch(() => {});
  response.end();
}

function refusal(message: string, code = "BAD_REQUEST") {
  return { errors: [{ message, extensions: { code } }] };
}
