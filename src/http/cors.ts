import type { IncomingMessage } from "node:http";
import type { Exchange, HeaderList } from "./exchange.ts";
import { AllowedHosts, LOOPBACK_HOSTS } from "./hosts.ts";
import { Remembered } from "./remembered.ts";

/** The origins whose pages may ask: those listed, any (`*`), or those of this machine. */
export type CorsOrigins = readonly string[] | "local";

const METHODS = "GET, HEAD, POST";
/** What a page may send beside what every page may: what is read here, and what clients and tracing add unasked. */
const REQUEST_HEADERS: readonly string[] = [
  ...["accept", "content-type", "authorization", "consistency-at-least", "if-none-match", "cache-control", "pragma"],
  "last-event-id",
  ...["apollo-require-preflight", "apollographql-client-name", "apollographql-client-version", "x-requested-with"],
  ...["x-request-id", "traceparent", "tracestate", "baggage", "sentry-trace"],
];
/** What a page may read of an answer beside what every page may. */
const ANSWER_HEADERS =
  "Consistency-Revision, ETag, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, Traceparent, Traceresponse";
/** Seconds for which a browser need not ask again what it may send: none keeps it longer than Chrome does. */
const MAX_AGE_S = 7200;

const PREFLIGHT = {
  "access-control-allow-methods": METHODS,
  "access-control-allow-headers": REQUEST_HEADERS.join(", "),
  "access-control-max-age": String(MAX_AGE_S),
  vary: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
} as const;

const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^\s/?#@,*]+$/i;

/** Which pages of other origins may ask, and what browsers are told about it. */
export class Cors {
  readonly #any: boolean;
  readonly #listed: ReadonlySet<string>;
  readonly #local: AllowedHosts | undefined;
  readonly #headers = new Remembered(255, (origin) => this.#judge(origin));

  constructor(origins: CorsOrigins) {
    this.#any = origins.includes("*");
    this.#listed = new Set(origins === "local" ? [] : origins.map(plainOrigin));
    this.#local = origins === "local" ? new AllowedHosts(LOOPBACK_HOSTS, false) : undefined;
  }

  /** What a page of this origin is to be told with each answer; undefined when it may read none. */
  headersFor(origin: string | undefined): HeaderList | undefined {
    return origin === undefined ? undefined : this.#headers.of(origin);
  }

  #judge(origin: string): HeaderList | undefined {
    const exposed = ["access-control-expose-headers", ANSWER_HEADERS];
    if (this.#any) return ["access-control-allow-origin", "*", ...exposed];
    if (this.#local) return this.#isLocal(origin) ? ["access-control-allow-origin", origin, ...exposed] : undefined;
    if (!this.#listed.has(origin)) return undefined;
    return ["access-control-allow-origin", origin, "access-control-allow-credentials", "true", ...exposed];
  }

  #isLocal(origin: string): boolean {
    const url = /^https?:/.test(origin) ? URL.parse(origin) : null;
    // what a URL is read from may say more than its host, as browsers do not
    return url?.origin === origin.toLowerCase() && this.#local?.includes(url.hostname) === true;
  }
}

/** Whether a browser asks what a page may send, before it sends it. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === "OPTIONS" && headers.origin !== undefined && "access-control-request-method" in headers;
}

/** Tells a browser what a page may send, to which it holds the page; `headers` are those of its origin. */
export function answerPreflight(exchange: Exchange, headers: HeaderList | undefined): void {
  if (headers) exchange.send(204, PREFLIGHT);
  else exchange.refuse(403, "Pages of this origin may not ask here; see CORS_ORIGINS.", "ORIGIN_NOT_ALLOWED");
}

/** Whether `CORS_ORIGINS` may hold it, beside `*`: a scheme and a host, with a port or without. */
export function isOrigin(text: string): boolean {
  return ORIGIN.test(text) && (!/^https?:/i.test(text) || URL.canParse(text));
}

/** As browsers write it: in small letters, without the scheme's own port. */
function plainOrigin(origin: string): string {
  return /^https?:/i.test(origin) ? (URL.parse(origin)?.origin ?? origin) : origin.toLowerCase();
}
