import { get } from "node:http";
import { WebSocket } from "ws";
import type { ToldChange } from "../checker/told.ts";

/** Everything of a book that the log has. */
const BOOK = "title author publishedDate isbn language description coverUrl stockQuantity version addedAt updatedAt id";
const QUERY = `subscription ($since: Revision) { bookChanges(since: $since) { revision kind before { ${BOOK} } after { ${BOOK} } } }`;

/** What comes over a connection. */
export interface Listener {
  /** The process has accepted it. */
  readonly opened: () => void;
  readonly told: (change: ToldChange) => void;
  /** It was refused, or could not go on. */
  readonly refused: (code: string) => void;
  readonly closed: () => void;
}

// biome-ignore lint/suspicious/noExplicitAny: an answer of a process that may be anything
type Result = any;

/** Takes what a result says. */
function hear({ data, errors }: Result, listener: Listener): void {
  if (errors) listener.refused(String(errors[0]?.extensions?.code));
  else listener.told(changeOf(data.bookChanges));
}

function changeOf({ revision, kind, before, after }: Result): ToldChange {
  // the API's ids are not the log's
  const own = (book: Result) => book && { ...book, id: Number(atob(book.id).split(":")[1]) };
  return { revision, kind, before: own(before), after: own(after) };
}

/** Subscribes over a WebSocket. @returns what ends it */
export function overSocket(url: string, since: number | undefined, listener: Listener): () => void {
  const socket = new WebSocket(url.replace("http", "ws"), "graphql-transport-ws", { handshakeTimeout: 3000 });
  const send = (message: object) => socket.send(JSON.stringify(message));
  socket.on("open", () => {
    listener.opened();
    send({ type: "connection_init" });
  });
  socket.on("message", (text) => {
    const { type, payload } = JSON.parse(String(text));
    if (type === "connection_ack") {
      send({ id: "1", type: "subscribe", payload: { query: QUERY, variables: { since } } });
    } else if (type === "next") hear(payload, listener);
    else if (type === "error") hear({ errors: payload }, listener);
  });
  socket.on("error", () => {});
  socket.on("close", listener.closed);
  return () => socket.terminate();
}

/** Subscribes to an event stream. @returns what ends it */
export function overStream(url: string, since: number | undefined, listener: Listener): () => void {
  const search = new URLSearchParams({ query: QUERY, variables: JSON.stringify({ since }) });
  const headers = { accept: "text/event-stream" };
  const request = get(`${url}?${search}`, { headers, agent: false }, (response) => {
    listener.opened();
    let text = "";
    response.setEncoding("utf8").on("data", (piece) => {
      const events = `${text}${piece}`.split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (data) hear(JSON.parse(data), listener);
      }
    });
    response.on("error", () => {}).on("close", listener.closed);
  });
  request.on("error", () => listener.closed());
  return () => request.destroy();
}
