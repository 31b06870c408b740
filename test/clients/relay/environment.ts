import { createClient } from "graphql-ws";
import {
  Environment,
  type FetchFunction,
  Network,
  Observable,
  RecordSource,
  Store,
  type SubscribeFunction,
} from "relay-runtime";
import { consistentFetch } from "../../../examples/consistent-fetch.ts";
import { resumingClient } from "../../../examples/resuming-client.ts";

/** Documents go by the ids that relay-compiler has given them. */
export function catalogueEnvironment(url: string, onForgotten: () => void): Environment {
  const fetched = consistentFetch(fetch, { onForgotten });
  const socket = createClient({
    url: url.replace(/^http/, "ws"),
    retryAttempts: Number.POSITIVE_INFINITY,
    // also while nobody answers
    shouldRetry: () => true,
  });
  const live = resumingClient(socket, (revisions) => fetched.saw(url, revisions));

  const ask: FetchFunction = async ({ id }, variables) => {
    const answer = await fetched(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
      body: JSON.stringify({ id, variables }),
    });
    return answer.json();
  };
  const listen: SubscribeFunction = ({ id }, variables) =>
    Observable.create((sink) => {
      const extensions = { persistedQuery: { version: 1, sha256Hash: id } };
      return live.subscribe({ query: "", variables, extensions }, sink as never);
    });
  return new Environment({ network: Network.create(ask, listen), store: new Store(new RecordSource()) });
}
