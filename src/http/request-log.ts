import type { Logger } from "pino";
import type { Exchange } from "./exchange.ts";

type Serve = (exchange: Exchange) => void;

/** Has each request noted in the log, for those who look for one; at a level that is off unless it is asked for. */
export function noted(serve: Serve, log: Logger): Serve {
  if (!log.isLevelEnabled("debug")) return serve;
  return (exchange) => {
    const since = performance.now();
    const { request, response } = exchange;
    exchange.onAnswered(() => {
      const { method } = request;
      const status = response.headersSent ? response.statusCode : undefined;
      const ms = Math.round(performance.now() - since);
      log.debug({ ...exchange.names, method, status, ms }, "a request was answered");
    });
    serve(exchange);
  };
}
