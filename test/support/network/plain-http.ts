import { type Agent, type IncomingHttpHeaders, request } from "node:http";

/** An answer as it came: nothing is decoded or followed. */
export interface PlainAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}

/** Sends what no other client would, with these headers alone. Several of one name are sent as several. */
export function plainHttp(
  url: string | URL,
  options: { method?: string; headers?: Record<string, string | readonly string[]>; body?: string; agent?: Agent } = {},
): Promise<PlainAnswer> {
  const { method = "GET", headers, body, agent } = options;
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, agent, ...(headers && { headers: { ...headers } as never }) }, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("error", reject);
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(pieces) });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
