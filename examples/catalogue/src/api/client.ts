import { retryExchange } from "@urql/exchange-retry";
import { Client, fetchExchange, mapExchange, subscriptionExchange } from "urql";
import { consistentFetch } from "../../../consistent-fetch.ts";
import { booksCache } from "./cache.ts";
import { askForReload, setConnected } from "./connection.ts";
import { beginLive, liveSubscriptions } from "./live.ts";
import { newestOnly } from "./newest-only.ts";

const url = new URL("/graphql", location.href).href;

let hasShown = false;

/** Asks for nothing older than what any tab has seen, and sends a keyed mutation again whose answer was lost. */
const fetchNewest = consistentFetch(fetch, {
  // what another visit has seen does not matter to a page that has shown nothing yet
  onForgotten: () => hasShown && askForReload(),
});

export const client: Client = new Client({
  url,
  fetch: fetchNewest,
  // the service's answers to POST are as quick, and long questions are not cut off by the length of a URL
  preferGetMethod: false,
  exchanges: [
    booksCache,
    mapExchange({
      onResult(result) {
        const revision: unknown = result.extensions?.consistency?.revision;
        if (result.operation.kind === "query" && typeof revision === "number") {
          hasShown = true;
          beginLive(client, revision);
        }
        return { ...result, data: newestOnly(result.data) };
      },
    }),
    // what is on the page stays there meanwhile, so there is no reason to give up
    retryExchange({
      maxNumberAttempts: Number.POSITIVE_INFINITY,
      maxDelayMs: 3000,
      retryIf: ({ networkError }, { kind }) => kind === "query" && networkError !== undefined,
    }),
    mapExchange({ onResult: ({ error }) => setConnected(!error?.networkError) }),
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: liveSubscriptions(url, (revision) => fetchNewest.saw(url, revision)),
    }),
  ],
});
