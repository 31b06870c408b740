import type { IncomingMessage } from "node:http";
import type { Logger } from "pino";
import { JSON_TYPE } from "../graphql/execution/request.ts";
import { retryAfter } from "../graphql/execution/retry-after.ts";
import { answerPreflight, type Cors, isPreflight } from "./cors.ts";
import type { Exchange } from "./exchange.ts";
import type { GraphqlRoute } from "./graphql-route.ts";
import type { AllowedHosts } from "./hosts.ts";
import { type Target, targetOf } from "./target.ts";
import { asksForSocket, faultOfOrigin } from "./upgrade.ts";

/** A request with more headers is refused. */
const MAX_HEADERS = 100;

const GRAPHQL: Target = { path: "/graphql", search: "" };

/** Whether the process can serve as configured, and what of it cannot. */
export interface Readiness {
  readonly ready: boolean;
  readonly database: "up" | "down";
  readonly redis: "up" | "down" | "off";
}

/** Finds what a request is for. Paths are compared as they were sent. */
export class Router {
  readonly #hosts: AllowedHosts;
  readonly #cors: Cors;
  readonly #graphql: GraphqlRoute;
  readonly #readiness: () => Promise<Readiness>;
  readonly #log: Logger;
  #lookUp: Promise<Readiness> | undefined;

  constructor(
    hosts: AllowedHosts,
    cors: Cors,
    graphql: GraphqlRoute,
    readiness: () => Promise<Readiness>,
    log: Logger,
  ) {
    this.#hosts = hosts;
    this.#cors = cors;
    this.#graphql = graphql;
    this.#readiness = readiness;
    this.#log = log;
  }

  serve(exchange: Exchange): void {
    try {
      this.#route(exchange)?.catch((error) => this.#fail(error, exchange));
    } catch (error) {
      this.#fail(error, exchange);
    }
  }

  /** Whether a request for a socket is one that may have it. If not, it is answered as any other. */
  admitsSocket(request: IncomingMessage): boolean {
    return (
      asksForSocket(request) &&
      faultOf(request) === undefined &&
      this.#hosts.check(request, targetOf(request.url ?? "/").authority) === "allowed" &&
      faultOfOrigin(request, this.#cors, this.#hosts) === undefined
    );
  }

  /** What is answered at once needs no promise. */
  #route(exchange: Exchange): Promise<void> | undefined {
    const { request } = exchange;
    const { path, search, authority } = request.url === "/graphql" ? GRAPHQL : targetOf(request.url ?? "/");
    const fault = faultOf(request) ?? faultOfExpectation(exchange);
    if (fault) exchange.refuse(...fault);
    // whoever looks after the process knows it by its address
    else if (path === "/health") exchange.answer(200, JSON_TYPE, '{"status":"ok"}');
    else if (path === "/ready") return this.#ready(exchange);
    else if (this.#refusesHost(exchange, authority)) return undefined;
    else if (path === "/graphql") return this.#serveGraphql(exchange, search);
    else if (path === "/") exchange.send(302, { location: "/graphql" });
    else exchange.refuse(404, "There is nothing here. The API is at /graphql.");
    return undefined;
  }

  #refusesHost(exchange: Exchange, authority: string | undefined): boolean {
    const verdict = this.#hosts.check(exchange.request, authority);
    if (verdict === "malformed") exchange.refuse(400, "The Host header must name one host.");
    if (verdict === "refused") {
      exchange.refuse(421, "This host is not served here; see ALLOWED_HOSTS.", "HOST_NOT_ALLOWED");
    }
    return verdict !== "allowed";
  }

  #serveGraphql(exchange: Exchange, search: string): Promise<void> | undefined {
    const { request } = exchange;
    // this one was not admitted
    if (request.headers.upgrade !== undefined && asksForSocket(request)) return this.#refuseSocket(exchange);
    const forPage = this.#cors.headersFor(request.headers.origin);
    if (forPage) exchange.tell(forPage);
    if (!isPreflight(request)) return this.#graphql.serve(exchange, search);
    answerPreflight(exchange, forPage);
    return undefined;
  }

  #refuseSocket(exchange: Exchange): undefined {
    const fault = faultOfOrigin(exchange.request, this.#cors, this.#hosts);
    if (fault) exchange.refuse(...fault);
    else {
      exchange.refuse(503, "No more sockets are opened for now; please come again.", "SERVICE_UNAVAILABLE", {
        "retry-after": retryAfter(),
      });
    }
  }

  async #ready(exchange: Exchange): Promise<void> {
    // however many ask, the database is asked once at a time
    this.#lookUp ??= this.#readiness().finally(() => {
      this.#lookUp = undefined;
    });
    const readiness = await this.#lookUp;
    const ready = readiness.ready && !exchange.isStopping;
    exchange.answer(ready ? 200 : 503, JSON_TYPE, JSON.stringify({ ...readiness, ready }));
  }

  #fail(error: unknown, exchange: Exchange): void {
    const { request, response } = exchange;
    // a client that left before its request was whole is no fault of anyone's
    if (request.complete) this.#log.error({ ...exchange.names, err: error }, "a request failed unexpectedly");
    if (response.headersSent || !request.complete) response.destroy();
    else exchange.refuse(500, "Something went wrong on the server; the error was logged.", "INTERNAL_SERVER_ERROR");
  }
}

/** Why a request is refused whatever it asks for. */
function faultOf(request: IncomingMessage): [status: number, message: string] | undefined {
  if (request.rawHeaders.length > 2 * MAX_HEADERS) return [431, `A request may have at most ${MAX_HEADERS} headers.`];
  if (request.httpVersionMajor !== 1) return [505, "HTTP is spoken here in the versions 1.1 and 1.0."];
  const coding = request.headers["transfer-encoding"];
  if (coding !== undefined && !/^chunked$/i.test(coding)) return [501, "Of Transfer-Encoding only chunked is known."];
  return undefined;
}

function faultOfExpectation({ expectation }: Exchange): [status: number, message: string] | undefined {
  return expectation === "unknown" ? [417, "Of Expect only 100-continue is known."] : undefined;
}
