import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { ANONYMOUS } from "../graphql/execution/access.ts";
import { SocketProtocol } from "../graphql/execution/socket-protocol.ts";
import { Bodies } from "./bodies.ts";
import { Clients } from "./clients.ts";
import { Connections } from "./connections.ts";
import { Cors, type CorsOrigins } from "./cors.ts";
import type { Exchange, Expectation } from "./exchange.ts";
import { farewellFor } from "./farewell.ts";
import type { GraphiqlTab } from "./graphiql.ts";
import { type Authentication, type GraphqlAnswers, GraphqlRoute } from "./graphql-route.ts";
import { AllowedHosts } from "./hosts.ts";
import { listen } from "./listen.ts";
import { type MetricsPlace, MetricsServer, type MetricsText } from "./metrics-server.ts";
import { Notices } from "./notices.ts";
import { RateGate, type RateLimit } from "./rate-gate.ts";
import { noted } from "./request-log.ts";
import type { RequestWatch } from "./request-watch.ts";
import { type Readiness, Router } from "./router.ts";
import { Sockets } from "./sockets.ts";

/** Longer than the 60 s for which proxies keep their idle connections: the side that sends should be the one to close. */
const KEEP_ALIVE_MS = 75_000;
const HEADERS_TIMEOUT_MS = 15_000;
/** How long a whole request may take to arrive, beside what a large body takes at 100 kB/s. Milliseconds. */
const REQUEST_TIMEOUT_MS = 20_000;
const BYTES_PER_MS = 100;
/** At a stop, what the network has delivered by then is still read, however busy the process is. Milliseconds. */
const STOP_GRACE_MS = 20;
/** At a stop, a client that has connected may still send its first request for so long. Milliseconds. */
const FIRST_REQUEST_MS = 200;
/** The connections that the system keeps ready to be accepted are at most so many; Node accepts one of them a turn. */
const BACKLOG = 511;

/** The settings that are of HTTP alone. */
export interface HttpSettings {
  /** Where metrics are served; undefined for nowhere. */
  readonly metrics: MetricsPlace | undefined;
  readonly maxBodyBytes: number;
  readonly maxConnections: number;
  /** How many are answered at once. */
  readonly maxRequests: number;
  /** How many sockets a client may have open at once. */
  readonly maxSocketsOfClient: number;
  /** For how long a service that stops goes on, not ready, so that those who ask in a proxy's place take notice. */
  readonly stopDelayMs: number;
  readonly stopTimeoutMs: number;
  readonly allowedHosts: readonly string[];
  readonly trustProxy: boolean;
  readonly corsOrigins: CorsOrigins;
}

/** What the server stands before. */
export interface Served {
  readonly graphql: GraphqlAnswers;
  /** Says who asks, where that matters. */
  readonly authentication: Authentication | undefined;
  /** How often clients may ask, where that is limited. */
  readonly rate: RateLimit | undefined;
  /** What is told at `/metrics`, over a port of its own; undefined for nothing. */
  readonly metrics: (MetricsText & { watchHttp(http: WatchedHttp): void }) | undefined;
  /** What follows each request, where that is asked for. */
  readonly watch: RequestWatch | undefined;
  readonly readiness: () => Promise<Readiness>;
  /** What GraphiQL offers; without it there is no page. */
  readonly graphiql: readonly GraphiqlTab[] | undefined;
  readonly log: Logger;
}

/** How the HTTP side is. */
export interface WatchedHttp {
  readonly connections: number;
  /** Requests that were refused before they were answered by GraphQL, by code. */
  readonly refusals: ReadonlyMap<string, number>;
  /** GraphQL requests that are being answered. */
  readonly running: number;
  /** What clients have done to themselves, in the words of the log. */
  readonly notices: ReadonlyMap<string, number>;
}

/** The HTTP side: what it takes to be listened to, and a stop that finishes what is in flight. */
export class HttpServer {
  readonly #stopDelayMs: number;
  readonly #stopTimeoutMs: number;
  readonly #log: Logger;
  readonly #server: Server;
  readonly #connections: Connections;
  readonly #notices: Notices;
  readonly #eachSecond: NodeJS.Timeout;
  readonly #authentication: Authentication | undefined;
  readonly #metrics: MetricsServer | undefined;

  constructor(settings: HttpSettings, served: Served) {
    const { graphql, authentication, rate, metrics, watch, readiness, graphiql, log } = served;
    const { maxBodyBytes, maxConnections, maxRequests, stopTimeoutMs, allowedHosts, trustProxy, corsOrigins } =
      settings;
    this.#stopDelayMs = settings.stopDelayMs;
    this.#stopTimeoutMs = stopTimeoutMs;
    this.#log = log;
    this.#authentication = authentication;
    this.#notices = new Notices(log);
    const bodies = new Bodies(maxBodyBytes);
    const notices = this.#notices;
    const clients = new Clients(trustProxy);
    const graphqlRoute = new GraphqlRoute({
      ...{ graphql, authentication, bodies, maxBodyBytes, maxRequests, graphiql, notices },
      rate: rate && new RateGate(rate, clients),
      clientOf: (request, access) => clients.nameOf(request, access),
    });
    const hosts = new AllowedHosts(allowedHosts, trustProxy);
    const router = new Router(hosts, new Cors(corsOrigins), graphqlRoute, readiness, log);
    const protocol = new SocketProtocol({
      begin: (request) => graphql.subscribe(request),
      authenticate: async (authorization) => (authentication ? authentication.of(authorization) : ANONYMOUS),
      rate,
      refused: (code) => this.#connections.countRefusal(code),
    });
    const bounds = { maxMessageBytes: maxBodyBytes, maxOfClient: settings.maxSocketsOfClient };
    const sockets = new Sockets(protocol, clients, bounds, log, watch);
    const route = (exchange: Exchange) => router.serve(exchange);
    const serve = watch ? (exchange: Exchange) => watch.serve(exchange, () => route(exchange)) : route;
    this.#connections = new Connections(maxConnections, this.#notices, noted(serve, log));
    const connections = this.#connections;
    metrics?.watchHttp({
      get connections() {
        return connections.size;
      },
      get running() {
        return graphqlRoute.running;
      },
      refusals: connections.refusals,
      notices: notices.totals,
    });
    this.#metrics = metrics && settings.metrics && new MetricsServer(settings.metrics, metrics);
    this.#server = createServer({
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS + maxBodyBytes / BYTES_PER_MS,
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // the router says it in words
      requireHostHeader: false,
      shouldUpgradeCallback: (request) => {
        const isIdle = this.#connections.of(request.socket)?.isIdle === true && this.#connections.phase !== "closing";
        return router.admitsSocket(request) && isIdle && sockets.hasRoomFor(request);
      },
    });
    this.#server.maxConnections = maxConnections;
    // a client that has said all that it has to say is still to be answered; Node would end its connection at once
    Object.assign(this.#server, { httpAllowHalfOpen: true });
    this.#handle();
    this.#server.on("upgrade", (request, socket, head) => {
      const connection = this.#connections.of(request.socket);
      if (connection) sockets.take(request, socket, head, connection);
    });
    this.#eachSecond = setInterval(() => {
      this.#connections.tick();
      this.#notices.tick();
    }, 1000).unref();
  }

  /**
   * @returns the URL of the API
   * @throws CannotListen
   */
  async listen(port: number, host: string): Promise<string> {
    await this.#metrics?.listen();
    await listen(this.#server, { port, host, backlog: BACKLOG }, "PORT, HOST");
    const address = this.#server.address() as AddressInfo;
    const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
    return `http://${name}:${address.port}/graphql`;
  }

  /**
   * Is not ready from now on, and answers no request but as the last over its connection; after the delay it accepts what
   * has arrived and then nothing more, and returns when everything that was asked is answered and its answer taken, or the
   * time for that is over.
   */
  async close(): Promise<void> {
    this.#connections.phase = "stopping";
    // who is sent on now would come back here, by a proxy that does not know yet
    await sleep(this.#stopDelayMs);
    this.#connections.phase = "closing";
    this.#connections.stopLive();
    const overdue = setTimeout(() => this.#cut(), this.#stopTimeoutMs);
    await this.#acceptWhatArrived();
    // Node's own close() for HTTP also ends connections whose answers are still being sent
    const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(this.#server, () => resolve()));
    // what was begun meanwhile
    this.#connections.stopLive();
    this.#connections.endIdle(false);
    await Promise.race([closed, sleep(FIRST_REQUEST_MS, undefined, { ref: false })]);
    this.#connections.endIdle(true);
    await closed;
    clearTimeout(overdue);
    clearInterval(this.#eachSecond);
    this.#authentication?.close();
    this.#metrics?.close();
    // it looks after time-outs until it is told
    this.#server.close();
  }

  async #acceptWhatArrived(): Promise<void> {
    await sleep(STOP_GRACE_MS);
    for (let quiet = 0, turns = 0; quiet < 2 && turns < BACKLOG; turns++) {
      const { accepted } = this.#connections;
      await nextTurn();
      quiet = this.#connections.accepted === accepted ? quiet + 1 : 0;
    }
  }

  #cut(): void {
    const connections = this.#connections.size;
    this.#log.warn({ connections }, "what was still open after STOP_TIMEOUT_MS was cut");
    this.#connections.destroyAll();
  }

  #handle(): void {
    const take = (request: IncomingMessage, response: ServerResponse, expectation?: Expectation) =>
      this.#connections.of(request.socket)?.take(request, response, expectation);
    this.#server
      .on("connection", (socket: Socket) => this.#connections.add(socket))
      .on("request", (request, response) => take(request, response))
      .on("checkContinue", (request, response) => take(request, response, "continue"))
      .on("checkExpectation", (request, response) => take(request, response, "unknown"))
      .on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => this.#refuseBytes(error, socket))
      .on("drop", () => this.#notices.add("a connection was refused, because MAX_CONNECTIONS were open"));
  }

  /** Answers bytes that are no HTTP, or too many, or did not come in time. */
  #refuseBytes({ code }: NodeJS.ErrnoException, socket: Socket): void {
    const connection = this.#connections.of(socket);
    if (!connection || !socket.writable || code === "ECONNRESET") {
      socket.destroy();
      return;
    }
    this.#connections.countRefusal("BAD_REQUEST");
    connection.breakOff(farewellFor(code));
  }
}
