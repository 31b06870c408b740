import { createServer, type Server } from "node:http";
import { AllowedHosts } from "./hosts.ts";
import { listen } from "./listen.ts";

/** What is served to whoever collects metrics. */
export interface MetricsText {
  readonly contentType: string;
  text(): Promise<string>;
}

/** Where they are served. */
export interface MetricsPlace {
  readonly port: number;
  readonly host: string;
  /** By which names: a page of another site might else have its visitor's browser ask. */
  readonly allowedHosts: readonly string[];
}

/** A server of its own for metrics: clients of the API do not reach its port. */
export class MetricsServer {
  readonly #server: Server;

  readonly #place: MetricsPlace;

  constructor(place: MetricsPlace, metrics: MetricsText) {
    this.#place = place;
    const hosts = new AllowedHosts(place.allowedHosts, false);
    this.#server = createServer((request, response) => {
      if (hosts.check(request) !== "allowed") return void response.writeHead(421).end();
      const [path] = (request.url ?? "").split("?");
      if (path !== "/metrics") return void response.writeHead(404).end();
      if (request.method !== "GET" && request.method !== "HEAD") {
        return void response.writeHead(405, { allow: "GET, HEAD" }).end();
      }
      metrics.text().then(
        (text) => {
          const headers = { "content-type": metrics.contentType, "cache-control": "no-store" };
          response.writeHead(200, headers).end(request.method === "HEAD" ? undefined : text);
        },
        () => response.writeHead(500).end(),
      );
    });
    this.#server.maxConnections = 100;
    this.#server.requestTimeout = 10_000;
  }

  /** @throws CannotListen */
  listen(): Promise<void> {
    const { port, host } = this.#place;
    return listen(this.#server, { port, host }, "METRICS_PORT, METRICS_HOST");
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
