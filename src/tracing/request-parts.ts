import { SpanKind } from "@opentelemetry/api";
import type { Exchange } from "../http/exchange.ts";
import type { RequestWatch } from "../http/request-watch.ts";
import { traceparentOf } from "../http/trace-context.ts";
import type { Part, Tracing } from "./tracing.ts";

/** What those ask who look after the process, again and again. */
const PROBES: ReadonlySet<string | undefined> = new Set(["/health", "/ready"]);

/** Follows each request, as a part of what its client does. */
export function requestParts(tracing: Tracing): RequestWatch {
  return {
    serve: (exchange, serve) => {
      if (PROBES.has(exchange.request.url)) return serve();
      const part = begin(tracing, exchange);
      exchange.belongTo(part.trace);
      exchange.tell(["traceresponse", traceparentOf(part.trace)]);
      exchange.onAnswered(() => part.end(...answerOf(exchange)));
      part.run(serve);
    },
    opened: (requestId, within) => {
      const part = tracing.begin("GET /graphql", {
        ...{ within, kind: SpanKind.SERVER },
        attributes: { ...ROUTE, "http.request.method": "GET", "catalogue.request_id": requestId },
      });
      part.end({ "http.response.status_code": 101 });
      return part.trace;
    },
  };
}

const ROUTE = { "http.route": "/graphql" };

/** No path that a client made up, nor its query string, is told of. */
function begin(tracing: Tracing, { id, request, trace }: Exchange): Part {
  const { method = "", url = "" } = request;
  const isRoute = /^\/graphql(\?|$)/.test(url);
  return tracing.begin(isRoute ? `${method} /graphql` : method, {
    ...{ within: trace, kind: SpanKind.SERVER },
    attributes: { ...(isRoute && ROUTE), "http.request.method": method, "catalogue.request_id": id },
  });
}

function answerOf({ response }: Exchange): Parameters<Part["end"]> {
  // the client has left before
  if (!response.headersSent) return [{ "catalogue.client_left": true }];
  const { statusCode } = response;
  return [{ "http.response.status_code": statusCode }, statusCode >= 500 ? String(statusCode) : undefined];
}
