import { get } from "node:http";
import { get as tlsGet } from "node:https";
import { WebSocket } from "ws";
import type { ToldChange } from "../checker/told.ts";
import { BOOK_FIELDS } from "./documents.ts";
import { toldIn } from "./outcomes.ts";
import type { Server } from "./server.ts";

const QUERY = `subscription ($since: Revision) {
  bookChanges(since: $since) { revision kind before { ${BOOK_FIELDS} } after { ${BOOK_FIELDS} } }
}`;

/** What comes over a connection. */
export interface Listener {
  /** The server has accepted it. */
  readonly opened: () => void;
  readonly told: (change: ToldChange) => void;
  /** It was refused, or could not go on. */
  readonly refused: (code: string) => void;
  readonly closed: () => void;
}

// biome-ignore lint/suspicious/noExplicitAny: an answer of a server that may be anything
type Result = any;

/** Takes what comes. What is no result of a subscription refuses it. */
function hear(text: string, { installation: { names } }: Server, listener: Listener, open: (json: Result) => Result) {
  try {
    const { data, errors } = open(JSON.parse(text)) ?? {};
    if (errors) listener.refused(String(errors[0]?.extensions?.code));
    else if (data) listener.told(toldIn(data.bookChanges, names));
  } catch (error) {
    listener.refused(`no result: ${(error as Error).message}`);
  }
}

/** Subscribes over a WebSocket. @returns what ends it */
export function overSocket(server: Server, since: number | undefined, listener: Listener): () => void {
  const { url, headers } = server;
  const socket = new WebSocket(url.replace("http", "ws"), "graphql-transport-ws", { handshakeTimeout: 3000, headers });
  const send = (message: object) => socket.send(JSON.stringify(message));
  socket.on("open", () => {
    listener.opened();
    send({ type: "connection_init", payload: headers });
  });
  socket.on("message", (text) =>
    hear(String(text), server, listener, ({ type, payload }) => {
      if (type === "connection_ack") {
        send({ id: "1", type: "subscribe", payload: { query: QUERY, variables: { since } } });
      }
      return { next: payload, error: { errors: payload } }[type as string];
    }),
  );
  socket.on("error", () => {});
  socket.on("close", listener.closed);
  return () => socket.terminate();
}

/** Subscribes to an event stream. @returns what ends it */
export function overStream(server: Server, since: number | undefined, listener: Listener): () => void {
  const search = new URLSearchParams({ query: QUERY, variables: JSON.stringify({ since }) });
  const headers = { accept: "text/event-stream", ...server.headers };
  const ask = server.url.startsWith("https:") ? tlsGet : get;
  const request = ask(`${server.url}?${search}`, { headers, agent: false }, (response) => {
    listener.opened();
    const isStream = response.headers["content-type"]?.startsWith("text/event-stream");
    if (!isStream) listener.refused(`status ${response.statusCode}`);
    let text = "";
    response.setEncoding("utf8").on("data", (piece) => {
      const events = `${text}${piece}`.split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (data && isStream) hear(data, server, listener, (json) => json);
      }
    });
    response.on("error", () => {}).on("close", listener.closed);
  });
  request.on("error", () => listener.closed());
  return () => request.destroy();
}
