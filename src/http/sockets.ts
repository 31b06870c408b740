import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import { type WebSocket, WebSocketServer } from "ws";
import { Places } from "../graphql/execution/places.ts";
import type { RequestNames, RequestTrace } from "../graphql/execution/request.ts";
import type { SocketProtocol } from "../graphql/execution/socket-protocol.ts";
import type { EndOfSubscription } from "../graphql/execution/subscriptions.ts";
import type { Clients } from "./clients.ts";
import type { Connection } from "./connection.ts";
import { farewell } from "./farewell.ts";
import { requestIdOf } from "./request-ids.ts";
import type { RequestWatch } from "./request-watch.ts";
import { namesOf, traceContextOf, traceparentOf } from "./trace-context.ts";

const PROTOCOL = "graphql-transport-ws";
/** Nothing more is read from a client that has so much to take that it asked for. */
const MAX_UNTAKEN_BYTES = 65_536;
/** How long a client may take to say that it, too, closes. Milliseconds. */
const CLOSE_TIMEOUT_MS = 2000;
/** A message may come in so many frames, and they in so many pieces and one more for each so many bytes. */
const MAX_FRAMES = 256;
const FREE_PIECES = 1000;
const BYTES_OF_PIECE = 64;

/** Codes of RFC 6455 and its registry, and those of the protocol. Clients come back after the first two. */
const CLOSE = { restart: 1012, later: 1013, unsupported: 1003, badRequest: 4400, fault: 4500 } as const;

/** What is known of the request that a socket was asked for by, for its answer and for the log. */
interface Asked {
  readonly names: RequestNames;
  readonly trace: RequestTrace | undefined;
}

/** The WebSockets, over which clients speak graphql-transport-ws. */
export class Sockets {
  readonly #protocol: SocketProtocol;
  readonly #clients: Clients;
  readonly #log: Logger;
  readonly #server: WebSocketServer;
  /** Of those that are open from each address: who it is that asks is said later. */
  readonly #places: Places;
  readonly #watch: RequestWatch | undefined;
  readonly #asked = new WeakMap<IncomingMessage, Asked>();

  constructor(
    protocol: SocketProtocol,
    clients: Clients,
    { maxMessageBytes, maxOfClient }: { readonly maxMessageBytes: number; readonly maxOfClient: number },
    log: Logger,
    watch: RequestWatch | undefined,
  ) {
    this.#protocol = protocol;
    this.#clients = clients;
    this.#places = new Places(maxOfClient);
    this.#log = log;
    this.#watch = watch;
    const maxBufferedChunks = FREE_PIECES + Math.ceil(maxMessageBytes / BYTES_OF_PIECE);
    this.#server = new WebSocketServer({
      ...{ noServer: true, clientTracking: false, perMessageDeflate: false },
      ...{ maxPayload: maxMessageBytes, maxFragments: MAX_FRAMES, maxBufferedChunks },
      // a turn for each: what comes in one piece would else be looked at in one
      allowSynchronousEvents: false,
      closeTimeout: CLOSE_TIMEOUT_MS,
      handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
    } as ConstructorParameters<typeof WebSocketServer>[0]);
    this.#server.on("headers", (headers, request) => headers.push(...this.#linesFor(request)));
    this.#server.on("wsClientError", ({ message }, socket, request) => {
      const { requestId } = this.#askedBy(request).names;
      // whoever speaks another version is to know which ones there are
      socket.once("finish", () => socket.destroy());
      socket.end(farewell(400, `${message}.`, requestId, ["Sec-WebSocket-Version: 13, 8"]));
    });
  }

  /** What is known of a request that is answered by a socket, or would be. */
  #askedBy(request: IncomingMessage): Asked {
    const known = this.#asked.get(request);
    if (known) return known;
    const requestId = requestIdOf(request);
    const sent = traceContextOf(request);
    const trace = this.#watch ? this.#watch.opened(requestId, sent) : sent;
    const asked = { names: namesOf(requestId, trace), trace };
    this.#asked.set(request, asked);
    return asked;
  }

  /** What the answer says beside what makes a socket of it. */
  #linesFor(request: IncomingMessage): string[] {
    const { names, trace } = this.#askedBy(request);
    return [`X-Request-Id: ${names.requestId}`, ...(trace ? [`Traceparent: ${traceparentOf(trace)}`] : [])];
  }

  /** Whether the client of this request may open one more. */
  hasRoomFor(request: IncomingMessage): boolean {
    return this.#places.hasRoomFor(this.#clients.nameOf(request, undefined));
  }

  /** Takes a connection over whose client asks for a WebSocket, and may. */
  take(request: IncomingMessage, socket: Duplex, head: Buffer, connection: Connection): void {
    const leave = this.#places.take(this.#clients.nameOf(request, undefined));
    socket.on("close", leave);
    this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#serve(webSocket, connection, request));
  }

  #serve(webSocket: WebSocket, connection: Connection, request: IncomingMessage): void {
    const isGone = () => webSocket.readyState !== webSocket.OPEN;
    const asked = this.#askedBy(request);
    let why: EndOfSubscription = "left";
    const end = (reason: EndOfSubscription, code: number, text: string) => {
      why = reason;
      webSocket.close(code, text);
    };
    const session = this.#protocol.open(
      {
        protocol: webSocket.protocol,
        send: (text) => send(webSocket, text, connection),
        close: (code, reason) => webSocket.close(code, reason),
      },
      {
        nameOf: (access) => this.#clients.nameOf(request, access),
        authorization: request.headers.authorization,
        ...asked,
        isGone,
      },
    );
    connection.goLive({
      stop: () => end("stopping", CLOSE.restart, "the service stops; come back"),
      giveUp: () => end("cut", CLOSE.later, reasonOf(session.sentUpTo)),
      probe: () => webSocket.ping(),
    });
    webSocket.on("message", (data, isBinary) => {
      if (isBinary) return webSocket.close(CLOSE.unsupported, "messages are texts");
      session.take(String(data)).catch((error: Error) => this.#fail(webSocket, error, asked));
      holdBack(webSocket);
    });
    // of frames that are none, and of a connection that is lost; it is closed then
    webSocket.on("error", () => {});
    webSocket.on("close", (code, reason) => session.closed(code, String(reason), why));
  }

  #fail(webSocket: WebSocket, error: Error, { names }: Asked): void {
    if (webSocket.readyState !== webSocket.OPEN) return;
    if (/^Unexpected message/.test(error.message)) {
      webSocket.close(CLOSE.badRequest, "Unexpected message");
      return;
    }
    this.#log.error({ ...names, err: error }, "a message failed unexpectedly");
    webSocket.close(CLOSE.fault, "Something went wrong on the server");
  }
}

/** Sends a text, and returns when the system has taken it, or the client is gone. */
function send(webSocket: WebSocket, text: string, connection: Connection): Promise<void> {
  return new Promise((resolve) => {
    webSocket.send(text, () => {
      if (webSocket.bufferedAmount === 0) connection.settle();
      if (webSocket.isPaused && webSocket.bufferedAmount <= MAX_UNTAKEN_BYTES) webSocket.resume();
      resolve();
    });
    if (webSocket.bufferedAmount > 0) connection.owes(webSocket.bufferedAmount);
  });
}

/** Reads nothing more from a client that asks and does not take what it is answered. */
function holdBack(webSocket: WebSocket): void {
  if (webSocket.bufferedAmount > MAX_UNTAKEN_BYTES) webSocket.pause();
}

function reasonOf(since: number | undefined): string {
  return since === undefined ? "too slow" : `too slow; go on with since: ${since}`;
}
