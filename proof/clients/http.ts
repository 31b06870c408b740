import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { request as httpsRequest, Agent as TlsAgent } from "node:https";
import type { Document } from "./server.ts";

/** Generous: a server that is only slow is not at fault. */
const TIMEOUT_MS = 10_000;

/**
 * Connections are kept: what waits on one is the first that a process reads when it goes on after a stop. An idle one
 * is dropped long before the server does so after five seconds, lest a request meet a connection that is being closed.
 */
const KEPT = { keepAlive: true, timeout: 1500 } as const;
const [agent, tlsAgent] = [new Agent(KEPT), new TlsAgent(KEPT)];

/** What came back, of any status. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Sends a document in the body of a POST. Rejects when no whole answer comes. */
export function post(url: string, document: Document, headers: Readonly<Record<string, string>> = {}) {
  const body = JSON.stringify(document);
  const own = { "content-type": "application/json", "content-length": `${Buffer.byteLength(body)}` };
  return send("POST", url, { ...own, ...headers }, body);
}

/** Sends a document in the URL of a GET. Rejects when no whole answer comes. */
export function get(url: string, document: Document, headers: Readonly<Record<string, string>> = {}) {
  return send("GET", urlOf(url, document), { accept: "application/json", ...headers });
}

/** The URL of a GET. */
export function urlOf(url: string, { query, variables, extensions }: Document): string {
  const full = new URL(url);
  full.searchParams.set("query", query);
  full.searchParams.set("variables", JSON.stringify(variables));
  if (extensions) full.searchParams.set("extensions", JSON.stringify(extensions));
  return full.href;
}

/** The JSON of an answer. Throws when it is none. */
export function jsonOf({ status, text }: HttpAnswer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`status ${status}: ${text.slice(0, 100)}`);
  }
}

function send(
  method: string,
  url: string,
  headers: Readonly<Record<string, string>>,
  body?: string,
): Promise<HttpAnswer> {
  const isTls = url.startsWith("https:");
  const options = { method, headers, agent: isTls ? tlsAgent : agent };
  return new Promise((resolve, reject) => {
    const request = (isTls ? httpsRequest : httpRequest)(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", fail);
      response.on("end", () => {
        clearTimeout(overdue);
        const { statusCode: status = 0, headers: received } = response;
        resolve({ status, headers: received, text: Buffer.concat(chunks).toString() });
      });
    });
    const overdue = setTimeout(() => request.destroy(new Error("it took too long")), TIMEOUT_MS);
    const fail = (error: Error) => {
      clearTimeout(overdue);
      reject(error);
    };
    request.on("error", fail);
    request.end(body);
  });
}
