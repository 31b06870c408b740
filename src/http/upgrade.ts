import type { IncomingMessage } from "node:http";
import type { Cors } from "./cors.ts";
import type { AllowedHosts } from "./hosts.ts";
import type { RefusalCode } from "./refusal.ts";
import { targetOf } from "./target.ts";

/** Whether a client asks for a WebSocket here. Others who would have another protocol are answered in this one. */
export function asksForSocket({ method, headers, url }: IncomingMessage): boolean {
  const { upgrade } = headers;
  return (
    method === "GET" &&
    upgrade !== undefined &&
    /^websocket$/i.test(upgrade) &&
    targetOf(url ?? "/").path === "/graphql"
  );
}

/** Why a socket is refused. */
export type SocketFault = readonly [status: number, message: string, code: RefusalCode];

/**
 * Holds a page that would open a socket to what it may ask: browsers leave that to the server. A page of this very host may,
 * and what is no browser says nothing of a page.
 */
export function faultOfOrigin(request: IncomingMessage, cors: Cors, hosts: AllowedHosts): SocketFault | undefined {
  const { origin } = request.headers;
  if (origin === undefined || cors.headersFor(origin) || isOwn(origin, hosts.hostOf(request))) return undefined;
  return [403, "Pages of this origin may not ask here; see CORS_ORIGINS.", "ORIGIN_NOT_ALLOWED"];
}

function isOwn(origin: string, host: string | undefined): boolean {
  const url = /^https?:/.test(origin) ? URL.parse(origin) : null;
  // the port that a scheme has by itself may be left out of either
  return url !== null && host !== undefined && URL.parse(`${url.protocol}//${host}`)?.host === url.host;
}
