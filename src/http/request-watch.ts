import type { RequestTrace } from "../graphql/execution/request.ts";
import type { Exchange } from "./exchange.ts";

/** Sees requests come and be answered, where somebody wants to know of each. */
export interface RequestWatch {
  /** Serves a request so that all that is done for it is known to be. */
  serve(exchange: Exchange, serve: () => void): void;
  /** Notes a socket that is open now, and says to what all belongs that is asked over it. */
  opened(requestId: string, within: RequestTrace | undefined): RequestTrace | undefined;
}
