import { once } from "node:events";
import { request as ask, createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { Readable } from "node:stream";
import { onFinished } from "../cleanup.ts";

/** What comes by a proxy. */
interface PassingRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

export interface PassingAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders | Readonly<Record<string, string>>;
  /** The whole of it, or an event stream as it comes. */
  readonly body: string | Readable;
}

/** What a proxy makes of a request; `pass` has the service answer it. Undefined ends the connection without an answer. */
export type Passage = (
  request: PassingRequest,
  pass: () => Promise<PassingAnswer>,
) => Promise<PassingAnswer | undefined>;

/** A proxy for HTTP before a service, by POST and GET. Returns its URL of GraphQL. It ends with the test. */
export async function startHttpProxy(target: string, passage: Passage): Promise<string> {
  const server = createServer(async (incoming, outgoing) => {
    const { method = "GET", url: path = "/", headers } = incoming;
    let body = "";
    for await (const piece of incoming.setEncoding("utf8")) body += piece;
    const passing = { method, path, body };
    const answer = await passage(passing, () => pass(target, passing, headers)).catch(() => undefined);
    if (!answer) {
      outgoing.destroy();
      return;
    }
    const { "transfer-encoding": _, "content-length": __, connection: ___, ...more } = answer.headers;
    outgoing.writeHead(answer.status, more);
    const { body: stream } = answer;
    if (typeof stream === "string") {
      outgoing.end(stream);
      return;
    }
    outgoing.on("close", () => stream.destroy()).flushHeaders();
    stream.on("error", () => outgoing.destroy()).pipe(outgoing);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
}

function pass(target: string, { method, path, body }: PassingRequest, headers: IncomingHttpHeaders) {
  return new Promise<PassingAnswer>((resolve, reject) => {
    const { host: _, ...own } = headers;
    const request = ask(new URL(path, target), { method, headers: own, agent: false }, async (response) => {
      const { statusCode: status = 0, headers: received } = response;
      if (received["content-type"]?.startsWith("text/event-stream")) {
        resolve({ status, headers: received, body: response });
        return;
      }
      let text = "";
      for await (const piece of response.setEncoding("utf8")) text += piece;
      resolve({ status, headers: received, body: text });
    });
    request.on("error", reject).end(body);
  });
}
