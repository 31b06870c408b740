import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { relayStylePagination } from "@apollo/client/utilities";
import { OperationTypeNode } from "graphql";
import { createClient } from "graphql-ws";
import { consistentFetch } from "../../../examples/consistent-fetch.ts";
import { resumingClient } from "../../../examples/resuming-client.ts";

/** Which types stand where an interface or a union does: those of schema.graphql. */
export const possibleTypes = {
  Node: ["Book"],
  Error: [
    "ValidationError",
    "IdempotencyKeyReusedError",
    "TitleTakenError",
    "IsbnTakenError",
    "BookNotFoundError",
    "InsufficientStockError",
    "VersionConflictError",
  ],
};

async function sha256(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function catalogueClient(url: string) {
  // to reset the store would fail the very request that has found out
  const forget = async () => {
    await client.cache.reset();
    // what fails is told to who watches it
    await client.refetchObservableQueries().catch(() => {});
  };
  const fetched = consistentFetch(fetch, { onForgotten: forget });
  const socket = createClient({
    url: url.replace(/^http/, "ws"),
    retryAttempts: Number.POSITIVE_INFINITY,
    // also while nobody answers
    shouldRetry: () => true,
  });
  const live = new GraphQLWsLink(resumingClient(socket, (revisions) => fetched.saw(url, revisions)));
  const http = new PersistedQueryLink({ sha256 }).concat(new HttpLink({ uri: url, fetch: fetched }));
  const client = new ApolloClient({
    link: ApolloLink.split(({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION, live, http),
    cache: new InMemoryCache({
      possibleTypes,
      typePolicies: {
        Query: { fields: { booksConnection: relayStylePagination(["search", "filter", "orderBy"]) } },
      },
    }),
  });
  return client;
}
