import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import type { IntrospectionQuery, IntrospectionType } from "graphql";
import { createClient } from "graphql-ws";
import { consistentFetch } from "../../../examples/consistent-fetch.ts";
import { resumingClient } from "../../../examples/resuming-client.ts";

/** What has no id of its own is kept with what it belongs to. */
function embedded(schema: IntrospectionQuery) {
  const hasNoId = (type: IntrospectionType) => type.kind === "OBJECT" && !type.fields.some(({ name }) => name === "id");
  return Object.fromEntries(schema.__schema.types.filter(hasNoId).map(({ name }) => [name, () => null]));
}

/** `schema` is the answer to an introspection query, which a build keeps in a file. */
export function catalogueClient(url: string, schema: IntrospectionQuery, onForgotten: () => void): Client {
  const fetched = consistentFetch(fetch, { onForgotten });
  const socket = createClient({
    url: url.replace(/^http/, "ws"),
    retryAttempts: Number.POSITIVE_INFINITY,
    // also while nobody answers
    shouldRetry: () => true,
  });
  const live = resumingClient(socket, (revisions) => fetched.saw(url, revisions));
  const cache = cacheExchange({
    schema,
    keys: {
      ...embedded(schema),
      // what a book once was is asked for without its id, lest it stand in the place of what the book is
      Book: ({ id }) => (typeof id === "string" ? id : null),
    },
    resolvers: { Query: { booksConnection: relayPagination() } },
  });
  return new Client({
    url,
    fetch: fetched,
    preferGetMethod: false,
    exchanges: [
      cache,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = "", variables }) => ({
          subscribe: (sink) => ({ unsubscribe: live.subscribe({ query, variables: { ...variables } }, sink) }),
        }),
      }),
    ],
  });
}
