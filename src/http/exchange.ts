import type { IncomingMessage, ServerResponse } from "node:http";
import { finished } from "node:stream/promises";
import type { LastShown } from "../graphql/execution/access.ts";
import {
  GRAPHQL_RESPONSE_TYPE,
  JSON_TYPE,
  type RequestNames,
  type RequestTrace,
} from "../graphql/execution/request.ts";
import { Negotiation } from "./accept.ts";
import type { Connection } from "./connection.ts";
import type { LastAsked } from "./last-asked.ts";
import type { Live } from "./live.ts";
import { Pieces } from "./pieces.ts";
import { inPortions, PORTION_BYTES } from "./portions.ts";
import { type RefusalCode, refusal } from "./refusal.ts";
import { requestIdOf } from "./request-ids.ts";
import { namesOf, traceContextOf, traceparentOf } from "./trace-context.ts";

/** How long the rest of a refused body is read and thrown away, in milliseconds. */
export const DRAIN_MS = 1000;
/** A body that is shorter, and not read, is thrown away as it comes, and the connection goes on: to make it anew takes longer. */
const SHORT_BODY_BYTES = 2000;

/** What an answer to one and the same URL depends on. */
export const VARY = "Accept, Accept-Encoding, Origin";
/** On every answer. What is true now need not be so in a cache. */
const COMMON = ["cache-control", "no-store", "vary", VARY, "x-content-type-options", "nosniff"] as const;

const dataHeaders = (type: string): HeaderList => [...COMMON, "content-type", `${type}; charset=utf-8`];
const JSON_HEADERS = dataHeaders(JSON_TYPE);
const GRAPHQL_HEADERS = dataHeaders(GRAPHQL_RESPONSE_TYPE);

const TYPES = new Negotiation(false);

export type Headers = Readonly<Record<string, string>>;

/** Names and values in turn, which Node takes as they are. */
export type HeaderList = readonly string[];

/** What a client asks for before it sends its body: to be told to go on, or what nobody knows. */
export type Expectation = "continue" | "unknown" | undefined;

/** A request and its answer. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly #connection: Connection;
  #expectation: Expectation;
  /** What is told with any answer. */
  #always: HeaderList | undefined;
  /** By what the request is known, to its client as well. */
  readonly id: string;
  /** To what it belongs: of its client's, or of this service's within that. */
  #trace: RequestTrace | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, connection: Connection, expectation: Expectation) {
    this.request = request;
    this.response = response;
    this.#connection = connection;
    this.#expectation = expectation;
    this.id = requestIdOf(request);
    if (request.headers.traceparent !== undefined) this.belongTo(traceContextOf(request));
  }

  /** To what the request belongs, where that is known. */
  get trace(): RequestTrace | undefined {
    return this.#trace;
  }

  /** Notes to what the request belongs, for its answer and for the log. */
  belongTo(trace: RequestTrace | undefined): void {
    this.#trace = trace;
  }

  /**
   * Has `listener` called once: when the answer has gone, or has begun if it goes on for as long as its client likes, or when
   * the client has left.
   */
  onAnswered(listener: () => void): void {
    let isCalled = false;
    const once = () => {
      if (!isCalled) listener();
      isCalled = true;
    };
    this.response.once("begun", once).once("close", once);
  }

  /** What its client has shown before. */
  get lastShown(): LastShown {
    return this.#connection.lastShown;
  }

  /** Who has asked before. */
  get lastAsked(): LastAsked {
    return this.#connection.lastAsked;
  }

  /** By what the log names the request. */
  get names(): RequestNames {
    return namesOf(this.id, this.#trace);
  }

  get expectation(): Expectation {
    return this.#expectation;
  }

  /** Whether the server answers what is in flight, and nothing more. */
  get isStopping(): boolean {
    return this.#connection.phase !== "serving";
  }

  /** Whether nothing is begun any more that would go on. */
  get isClosing(): boolean {
    return this.#connection.phase === "closing";
  }

  /** Whether the client has gone away: nobody waits for the answer. */
  get isGone(): boolean {
    return this.response.destroyed;
  }

  /** Has the answer say this as well, whatever it is: of none of these names it says anything else. */
  tell(headers: HeaderList): void {
    this.#always = this.#always ? [...this.#always, ...headers] : headers;
  }

  /** Has the client's next request wait for its turn among those of all who were refused for now. */
  rest(): void {
    this.#connection.rest();
  }

  /** Has a client that asks first send its body. */
  inviteBody(): void {
    if (!this.#expectation) return;
    this.response.writeContinue();
    this.#expectation = undefined;
  }

  /**
   * To be called each second for a client that sends no more: it is told that it will be answered. One that has gone away
   * looks the same until its system refuses what comes, which is seen when more is sent.
   */
  probe(): void {
    if (!this.response.headersSent && this.request.httpVersionMinor > 0) this.response.writeProcessing();
  }

  /** Answers with data that is known as a whole, and headers beyond those that such answers have, or in their place. */
  answer(
    status: number,
    type: typeof JSON_TYPE | typeof GRAPHQL_RESPONSE_TYPE,
    body: string | Buffer,
    headers?: Headers,
  ): void {
    this.#write(status, type === JSON_TYPE ? JSON_HEADERS : GRAPHQL_HEADERS, body, headers);
  }

  /** Begins an answer that goes on for as long as its client likes. It ends when `response` is ended. */
  begin(headers: Headers, live: Live): void {
    this.#connection.goLive(live);
    this.response.writeHead(200, this.#with(COMMON, headers)).flushHeaders();
    this.response.emit("begun");
  }

  /** Sends a part of such an answer, and returns when more may be sent: the client takes it, or is gone. */
  async say(text: string): Promise<void> {
    const { response } = this;
    if (response.destroyed || response.write(text)) return;
    this.#connection.owes(response.writableLength);
    await new Promise<void>((resolve) => {
      const done = () => {
        response.off("drain", done).off("close", done);
        resolve();
      };
      response.on("drain", done).on("close", done);
    });
    this.#connection.settle();
  }

  /** Answers with headers beyond those that all have; one of the same name takes the place of the common one. */
  send(status: number, headers: Headers, body: string | Buffer = ""): void {
    this.#write(status, COMMON, body, headers);
  }

  /**
   * Refuses a request. Where a long body is not read, the connection is closed; to do so while the client still sends would
   * reset it and lose the answer, so for a while the rest is thrown away first.
   */
  refuse(status: number, message: string, code: RefusalCode = "BAD_REQUEST", headers: Headers = {}): void {
    const text = refusal(message, code);
    this.#connection.countRefusal(code);
    // where the status is one of failure, clients read errors in GraphQL's own type alone
    const type = TYPES.typeFor(this.request.headers.accept) === GRAPHQL_RESPONSE_TYPE ? GRAPHQL_HEADERS : JSON_HEADERS;
    // who asks before he sends has not begun to
    if (this.#leavesBody && !this.#expectation) this.#refuseEarly(status, this.#with(type, headers), text);
    else this.#write(status, type, text, headers);
  }

  /** What all answers have, and these headers in their place or beside them. */
  #with(headers: HeaderList, more: Headers | undefined): string[] {
    const all = headers.slice();
    put(more, all);
    if (this.#always) all.push(...this.#always);
    if (this.#trace) all.push("traceparent", traceparentOf(this.#trace));
    all.push("x-request-id", this.id);
    return all;
  }

  #refuseEarly(status: number, headers: HeaderList, text: string): void {
    const { request, response } = this;
    response.shouldKeepAlive = false;
    response.writeHead(status, [...headers, "content-length", String(Buffer.byteLength(text))]).write(text);
    const pieces = new Pieces();
    const enough = new AbortController();
    const overdue = setTimeout(() => enough.abort(), DRAIN_MS);
    request.on("data", (piece: Buffer) => {
      if (!enough.signal.aborted && !pieces.admit(piece.length)) enough.abort();
    });
    finished(request, { writable: false, signal: enough.signal })
      .catch(() => {})
      .finally(() => {
        clearTimeout(overdue);
        response.end();
      });
  }

  /** Whether there is more of the request than has been read, and more than is worth to be waited for. */
  get #leavesBody(): boolean {
    const { complete, headers } = this.request;
    return (
      !complete && (Number(headers["content-length"]) > SHORT_BODY_BYTES || headers["transfer-encoding"] !== undefined)
    );
  }

  /** @param more headers that take the place of `headers`, or stand beside them */
  #write(status: number, headers: HeaderList, body: string | Buffer, more?: Headers): void {
    const { response } = this;
    const length = Buffer.byteLength(body);
    // of a body that was not asked for it is not known whether it comes
    if (this.#connection.isEnding || this.#expectation || this.#leavesBody) response.shouldKeepAlive = false;
    const all = this.#with(headers, more);
    if (status !== 204 && status !== 304) all.push("content-length", String(length));
    response.writeHead(status, all);
    if (length <= PORTION_BYTES || this.request.method === "HEAD") response.end(body);
    else inPortions(response, typeof body === "string" ? Buffer.from(body) : body);
    if (response.socket && response.socket.writableLength > 0) this.#connection.owes(length);
  }
}

/** Puts headers into a list, in the place of those of the same names. */
function put(headers: Headers | undefined, list: string[]): void {
  for (const name in headers) {
    let at = 0;
    while (at < list.length && list[at] !== name) at += 2;
    list[at] = name;
    list[at + 1] = headers[name] as string;
  }
}
