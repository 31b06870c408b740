import type { Access } from "../graphql/execution/access.ts";
import type { Clients } from "./clients.ts";
import type { Exchange } from "./exchange.ts";
import type { LastAsked } from "./last-asked.ts";

/** How often each client may ask in a minute. */
export interface RateLimit {
  readonly limit: number;
  /** Counts a request; `last` is whoever asked last over the same connection. */
  take(client: string, last?: Pick<LastAsked, "client" | "account">): Verdict | Promise<Verdict>;
}

interface Verdict {
  readonly isAllowed: boolean;
  readonly remaining: number;
  readonly resetS: number;
  readonly retryAfterS: number;
}

/** Holds clients to a rate, and tells them about it: in the headers of draft-ietf-httpapi-ratelimit-headers-10. */
export class RateGate {
  readonly #rate: RateLimit;
  readonly #clients: Clients;
  readonly #policy: string;

  constructor(rate: RateLimit, clients: Clients) {
    this.#rate = rate;
    this.#clients = clients;
    this.#policy = `"minute";q=${rate.limit};w=60`;
  }

  /** Whether the request may be answered; it was refused if not. Who has shown no token is known by his address. */
  admit(exchange: Exchange, access: Access | undefined): boolean | Promise<boolean> {
    const { lastAsked, request } = exchange;
    const client = this.#clients.nameOf(request, access, lastAsked);
    const isKnown = lastAsked.client === client;
    const verdict = this.#rate.take(client, lastAsked);
    if (verdict instanceof Promise) return verdict.then((one) => this.#tell(exchange, one, isKnown));
    return this.#tell(exchange, verdict, isKnown);
  }

  /** The policy, which stays the same, is told the first time over a connection, and to who is refused. */
  #tell(exchange: Exchange, { isAllowed, remaining, resetS, retryAfterS }: Verdict, isKnown: boolean): boolean {
    const left = `"minute";r=${remaining};t=${resetS}`;
    exchange.tell(isAllowed && isKnown ? ["ratelimit", left] : ["ratelimit-policy", this.#policy, "ratelimit", left]);
    if (isAllowed) return true;
    const headers = { "retry-after": String(retryAfterS) };
    exchange.refuse(429, "Too many requests in a minute; come again later.", "RATE_LIMITED", headers);
    return false;
  }
}
