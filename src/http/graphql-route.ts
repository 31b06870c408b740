import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { type Access, ANONYMOUS, type LastShown } from "../graphql/execution/access.ts";
import type { AnswerText } from "../graphql/execution/answer-text.ts";
import type { Replay } from "../graphql/execution/replays.ts";
import {
  EVENT_STREAM_TYPE,
  type GraphqlRequest,
  type GraphqlResponse,
  JSON_TYPE,
} from "../graphql/execution/request.ts";
import { retryAfter } from "../graphql/execution/retry-after.ts";
import { revisionIn } from "../graphql/execution/revision-headers.ts";
import type { SubscribeRequest, Subscriptions } from "../graphql/execution/subscriptions.ts";
import { type AnswerType, HTML_TYPE, Negotiation } from "./accept.ts";
import type { Bodies, BodyFault } from "./bodies.ts";
import { DataAnswers } from "./data-answers.ts";
import { sendEvents } from "./event-stream.ts";
import type { Exchange, Headers } from "./exchange.ts";
import { GraphiqlPage, type GraphiqlTab } from "./graphiql.ts";
import { paramsOfBody, paramsOfSearch } from "./graphql-params.ts";
import { faultOfHead } from "./json-head.ts";
import { LoadGate } from "./load-gate.ts";
import type { Notices } from "./notices.ts";
import type { RateGate } from "./rate-gate.ts";
import type { RefusalCode } from "./refusal.ts";

type AtLeast = Required<GraphqlRequest>["atLeast"];

/** Answers requests that are well formed. It sees nothing else of them: no host, path or header of the client's. */
export interface GraphqlAnswers {
  atLeastIn(header: string | undefined): AtLeast | string;
  find(text: string, access: Access): Replay | undefined;
  replay(replay: Replay, atLeast: AtLeast, since: number): Promise<AnswerText | undefined>;
  answer(request: GraphqlRequest): Promise<GraphqlResponse>;
  subscribe(request: SubscribeRequest): ReturnType<Subscriptions["begin"]>;
  /** How many heavy requests wait for their turn, in a line of their own. */
  readonly waiting: number;
}

/** Says who asks. */
export interface Authentication {
  /** Who sent this `Authorization`, if that is known at once, as it is of the last that came over the connection. */
  known(authorization: string | undefined, last: LastShown): Access | undefined;
  of(authorization: string | undefined): Promise<
    | Access
    // why he is not let in
    | { readonly status: number; readonly code: RefusalCode; readonly message: string; readonly headers: Headers }
  >;
  close(): void;
}

type DataType = Exclude<AnswerType, typeof HTML_TYPE>;

/** What is served at `/graphql`. */
export class GraphqlRoute {
  readonly #graphql: GraphqlAnswers;
  readonly #authentication: Authentication | undefined;
  readonly #rate: RateGate | undefined;
  readonly #bodies: Bodies;
  readonly #maxBodyBytes: number;
  readonly #load: LoadGate;
  readonly #notices: Notices;
  readonly #clientOf: (request: IncomingMessage, access: Access) => string;
  readonly #answers = new DataAnswers();
  readonly #data = new Negotiation(false);
  readonly #dataOrPage: Negotiation;
  readonly #page: GraphiqlPage | undefined;

  constructor(options: {
    readonly graphql: GraphqlAnswers;
    /** Without it everybody is anonymous. */
    readonly authentication: Authentication | undefined;
    /** Without it anybody may ask as often as he likes. */
    readonly rate: RateGate | undefined;
    readonly bodies: Bodies;
    readonly maxBodyBytes: number;
    readonly maxRequests: number;
    /** What its page offers; without it there is no page. */
    readonly graphiql: readonly GraphiqlTab[] | undefined;
    readonly notices: Notices;
    /** Who a request is from. */
    readonly clientOf: (request: IncomingMessage, access: Access) => string;
  }) {
    this.#graphql = options.graphql;
    this.#authentication = options.authentication;
    this.#rate = options.rate;
    this.#bodies = options.bodies;
    this.#maxBodyBytes = options.maxBodyBytes;
    this.#load = new LoadGate(options.maxRequests, () => options.graphql.waiting);
    this.#notices = options.notices;
    this.#clientOf = options.clientOf;
    this.#dataOrPage = new Negotiation(options.graphiql !== undefined);
    this.#page = options.graphiql && new GraphiqlPage(options.graphiql);
  }

  /** How many requests are being answered. */
  get running(): number {
    return this.#load.running;
  }

  serve(exchange: Exchange, search: string): Promise<void> | undefined {
    switch (exchange.request.method) {
      case "GET":
      case "HEAD":
        return this.#get(exchange, search);
      case "POST":
        return this.#post(exchange);
      default:
        exchange.refuse(405, "GraphQL takes GET and POST.", "BAD_REQUEST", { allow: "GET, HEAD, POST" });
        return undefined;
    }
  }

  async #post(exchange: Exchange): Promise<void> {
    // first of all: it is to take as little time as it can
    if (!this.#load.admits()) return this.#refuseForNow(exchange);
    const { request } = exchange;
    const type = this.#data.typeFor(request.headers.accept) as DataType | undefined;
    if (!type) return exchange.refuse(406, NOT_ACCEPTABLE);
    const fault = faultOfHead(request);
    if (fault) return exchange.refuse(415, fault);
    const access = this.#knownAccess(exchange) ?? (await this.#access(exchange));
    if (!access) return;
    const admitted = this.#rate?.admit(exchange, access) ?? true;
    // mostly it is known at once
    if (admitted !== true && !(await admitted)) return;
    const bytes = await this.#bodies.read(exchange);
    if (typeof bytes === "string") return this.#refuseBody(exchange, bytes);
    if (!this.#load.admits()) return this.#refuseForNow(exchange);
    const text = isUtf8(bytes) ? bytes.toString() : "";
    // a replay of a GET is known by its query string
    if (text.startsWith("?")) return exchange.refuse(400, BAD_BODY);
    // where they are sent, one result for all is not looked for
    if (text.startsWith("[")) return exchange.refuse(400, BATCH, "BAD_REQUEST", { "content-type": JSON_TYPE });
    if (type === EVENT_STREAM_TYPE) return this.#tell(exchange, access, paramsOfBody(text), BAD_BODY);
    await this.#answer(exchange, { method: "POST", text, accept: type, access }, paramsOfBody, BAD_BODY);
  }

  async #get(exchange: Exchange, search: string): Promise<void> {
    const type = this.#dataOrPage.typeFor(exchange.request.headers.accept);
    if (!type) return exchange.refuse(406, NOT_ACCEPTABLE);
    if (type === HTML_TYPE) return (this.#page as GraphiqlPage).serve(exchange);
    if (!this.#load.admits()) return this.#refuseForNow(exchange);
    const access = this.#knownAccess(exchange) ?? (await this.#access(exchange));
    if (!access) return;
    const admitted = this.#rate?.admit(exchange, access) ?? true;
    // mostly it is known at once
    if (admitted !== true && !(await admitted)) return;
    if (type === EVENT_STREAM_TYPE) return this.#tell(exchange, access, paramsOfSearch(search), BAD_SEARCH);
    return this.#answer(exchange, { method: "GET", text: search, accept: type, access }, paramsOfSearch, BAD_SEARCH);
  }

  /** Answers what came as a text. A replay is found by the text itself; else `paramsOf` has to make something of it. */
  async #answer(
    exchange: Exchange,
    asked: Required<Pick<GraphqlRequest, "method" | "text" | "accept" | "access">>,
    paramsOf: (text: string) => GraphqlRequest["params"] | undefined,
    malformed: string,
  ): Promise<void> {
    const atLeast = this.#graphql.atLeastIn(exchange.request.headers[AT_LEAST_HEADER]?.toString());
    if (typeof atLeast === "string") return exchange.refuse(400, atLeast, "BAD_USER_INPUT");
    const since = performance.now();
    this.#load.begin();
    try {
      const replay = this.#graphql.find(asked.text, asked.access);
      const known = replay && (await this.#graphql.replay(replay, atLeast, since));
      if (known) {
        const sent = this.#answers.sendText(exchange, asked.accept, known);
        // most are sent at once
        if (sent) await sent;
        return;
      }
      const params = paramsOf(asked.text);
      if (!params) return exchange.refuse(400, malformed);
      const isGone = () => exchange.isGone;
      const { names } = exchange;
      const response = await this.#graphql.answer({ ...asked, params, atLeast, since, isGone, names });
      const sent = this.#answers.send(exchange, asked.accept, response);
      if (sent) await sent;
    } finally {
      this.#load.end();
    }
  }

  #knownAccess({ request, lastShown }: Exchange): Access | undefined {
    return this.#authentication ? this.#authentication.known(request.headers.authorization, lastShown) : ANONYMOUS;
  }

  /** Who asks; undefined when he was refused, whatever it is that he asks. */
  async #access(exchange: Exchange): Promise<Access | undefined> {
    const access = await this.#authentication?.of(exchange.request.headers.authorization);
    if (!access || "asker" in access) return access;
    // to try tokens is to ask
    if (this.#rate && !(await this.#rate.admit(exchange, undefined))) return undefined;
    exchange.refuse(access.status, access.message, access.code, access.headers);
    return undefined;
  }

  /** Tells of what happens. It counts among the requests that are being answered until it has begun. */
  async #tell(
    exchange: Exchange,
    access: Access,
    params: GraphqlRequest["params"] | undefined,
    malformed: string,
  ): Promise<void> {
    const { headers, method } = exchange.request;
    const atLeast = this.#graphql.atLeastIn(headers[AT_LEAST_HEADER]?.toString());
    const lastId = headers["last-event-id"];
    const resumeAt = lastId === undefined ? undefined : revisionIn(String(lastId));
    if (method === "HEAD") return exchange.refuse(406, NOT_ACCEPTABLE);
    if (!params) return exchange.refuse(400, malformed);
    if (typeof atLeast === "string") return exchange.refuse(400, atLeast, "BAD_USER_INPUT");
    if (lastId !== undefined && resumeAt === undefined) return exchange.refuse(400, BAD_EVENT_ID, "BAD_USER_INPUT");
    if (exchange.isClosing) return this.#refuseForNow(exchange);
    const isGone = () => exchange.isGone;
    const client = this.#clientOf(exchange.request, access);
    const { names, trace } = exchange;
    this.#load.begin();
    const begun = await this.#graphql
      .subscribe({ transport: "event stream", client, access, params, atLeast, resumeAt, isGone, names, trace })
      .finally(() => this.#load.end());
    return sendEvents(exchange, begun);
  }

  #refuseForNow(exchange: Exchange): void {
    this.#notices.add("a request was refused, because as many as could be answered were");
    exchange.refuse(503, "Too many requests are being answered; please come again.", "SERVICE_UNAVAILABLE", {
      "retry-after": retryAfter(),
    });
    exchange.rest();
  }

  #refuseBody(exchange: Exchange, fault: BodyFault): void {
    if (fault === "too large") exchange.refuse(413, `The body may have at most ${this.#maxBodyBytes} bytes.`);
    else if (fault === "in too many pieces") exchange.refuse(413, "The body came in too many small pieces.");
    else {
      this.#notices.add("a body was given up, because it was the slowest of too many that were arriving");
      exchange.refuse(408, "The body came too slowly, while many others came.");
    }
  }
}

/** As Node names it. */
const AT_LEAST_HEADER = "consistency-at-least";

const BAD_BODY = "The body must be a JSON object in UTF-8 that holds a query.";
const BATCH = "Requests are not taken in batches; send them one by one.";
const BAD_SEARCH = "GET takes a query, and variables and extensions as JSON.";
const BAD_EVENT_ID = "Last-Event-ID must be the id of an event that was sent here, which is a revision.";
const NOT_ACCEPTABLE =
  "The answer is application/json, application/graphql-response+json or text/event-stream, as Accept allows.";
