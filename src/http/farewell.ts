import { STATUS_CODES } from "node:http";
import { VARY } from "./exchange.ts";
import { refusal } from "./refusal.ts";
import { newRequestId } from "./request-ids.ts";

const BY_CODE: Readonly<Record<string, readonly [status: number, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, "The request line and the headers are too long."],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, "The extensions of the body's chunks are too long."],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "The request did not arrive in time."],
};

/** The answer to what Node's parser cannot read, by the code of its error. The connection ends with it. */
export function farewellFor(code: string | undefined): string {
  const [status, message] = BY_CODE[code ?? ""] ?? [400, "That is not HTTP as it should be."];
  return farewell(status, message, newRequestId());
}

/** A refusal as it goes over a connection that ends with it; with `more` lines in its head. */
export function farewell(status: number, message: string, requestId: string, more: readonly string[] = []): string {
  const body = refusal(message, "BAD_REQUEST");
  const headers = [
    "Content-Type: application/json; charset=utf-8",
    "Cache-Control: no-store",
    `Vary: ${VARY}`,
    "X-Content-Type-Options: nosniff",
    `X-Request-Id: ${requestId}`,
    ...more,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers.join("\r\n")}\r\n\r\n${body}`;
}
