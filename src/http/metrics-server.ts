import { createServer, type Server } from "node:http";

/** What is served to whoever collects metrics. */
export interface MetricsText {
  readonly contentType: string;
  text(): Promise<string>;
}

/** A server of its own for metrics: clients of the API do not reach its port. */
export class MetricsServer {
  readonly #server: Server;

  constructor(metrics: MetricsText) {
    this.#server = createServer((request, response) => {
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

  async listen(port: number, host: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ port, host }, () => resolve(this.#server.off("error", reject) as never));
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
