import { createClient, type Client as SocketClient } from "graphql-ws";
import type { Client, SubscriptionForwarder } from "urql";
import { BookChanges } from "./books.ts";
import { noteChange } from "./changes.ts";
import { askForReload, setConnected } from "./connection.ts";

const LONGEST_WAIT_MS = 5000;
const PING_EVERY_MS = 10_000;

/** The log does not reach to what this page has seen: it was trimmed, or the catalogue was put back to a backup. */
const PAST_IS_GONE = new Set(["REVISION_TRIMMED", "REVISION_NOT_REACHED"]);

let begun = false;

/** Has the cache told of all changes after `revision`, the one that the first answer was true at: none falls between. */
export function beginLive(client: Client, revision: number): void {
  if (begun) return;
  begun = true;
  client.subscription(BookChanges, { since: revision }).subscribe(({ data, error }) => {
    if (data) noteChange(data.bookChanges);
    // without live changes for another reason, as when too many tabs have them, the page is as new as its last answer
    if (PAST_IS_GONE.has(`${error?.graphQLErrors[0]?.extensions.code}`)) askForReload();
  });
}

/** Sends subscriptions over a WebSocket that comes back by itself, to where it was. `saw` is told how far that is. */
export function liveSubscriptions(url: string, saw: (revision: number) => void): SubscriptionForwarder {
  const socket = socketTo(url.replace(/^http/, "ws"));
  return ({ query, variables: first }) => ({
    subscribe(sink) {
      // graphql-ws sends them again when it comes back, as they then are
      const variables: { since?: number } = { ...first };
      const next = (result: Parameters<typeof sink.next>[0]) => {
        const revision: unknown = result.data?.bookChanges?.revision;
        if (typeof revision === "number") {
          variables.since = revision;
          saw(revision);
        }
        sink.next(result);
      };
      return { unsubscribe: socket.subscribe({ query: query ?? "", variables }, { ...sink, next }) };
    },
  });
}

function socketTo(url: string): SocketClient {
  let noPong: ReturnType<typeof setTimeout>;
  let isOpen = false;
  const socket = createClient({
    url,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => true,
    retryWait: (attempt) => online(Math.random() * Math.min(250 * 2 ** attempt, LONGEST_WAIT_MS)),
    keepAlive: PING_EVERY_MS,
    on: {
      connected: () => {
        isOpen = true;
        setConnected(true);
      },
      closed: () => {
        // where a proxy lets no WebSocket through, the page works, though nothing changes by itself
        if (isOpen) setConnected(false);
        isOpen = false;
      },
      // a connection may be gone without a word
      ping: (received) => {
        if (!received) noPong = setTimeout(() => socket.terminate(), PING_EVERY_MS);
      },
      pong: () => clearTimeout(noPong),
    },
  });
  // browsers leave a WebSocket open that leads nowhere any more
  addEventListener("offline", () => {
    setConnected(false);
    socket.terminate();
  });
  addEventListener("online", () => setConnected(true));
  return socket;
}

/** Waits, and at once no longer when the browser is told that there is a network again. */
function online(ms: number): Promise<void> {
  return new Promise((resolve) => {
    addEventListener("online", () => resolve(), { once: true });
    setTimeout(resolve, ms);
  });
}
