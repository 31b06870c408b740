import type { IncomingMessage } from "node:http";
import type { RequestNames, RequestTrace } from "../graphql/execution/request.ts";

/** A version to come may have more at the end, this one must not. Names that are all zeros name nothing. */
const TRACEPARENT = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(-.*)?$/;
const LENGTH = 55;
const MAX_LENGTH = 200;

/** To what a request belongs, as its client says in the words of W3C Trace Context; undefined where it says nothing, or what is none of it. */
export function traceContextOf({ headers }: IncomingMessage): RequestTrace | undefined {
  const { traceparent, tracestate } = headers;
  if (typeof traceparent !== "string" || traceparent.length > MAX_LENGTH) return undefined;
  const [, version, traceId, spanId, flags = ""] = TRACEPARENT.exec(traceparent) ?? [];
  if (!traceId || !spanId || (version === "00" && traceparent.length !== LENGTH)) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags, 16), state: tracestate?.toString() };
}

/** By what the log names a request that belongs to this, if to anything. */
export function namesOf(requestId: string, trace: RequestTrace | undefined): RequestNames {
  return { requestId, ...(trace && { traceId: trace.traceId }) };
}

/** As `traceparent` has it, in the version that is written here. */
export function traceparentOf({ traceId, spanId, flags }: RequestTrace): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, "0")}`;
}
