import type { GraphqlAnswers } from "../http/graphql-route.ts";
import type { Metrics } from "./metrics.ts";

/** What answers requests, with a note of each of them. Where nobody asks for metrics there is none of this. */
export function measured(graphql: GraphqlAnswers, metrics: Metrics): GraphqlAnswers {
  return {
    atLeastIn: (header) => graphql.atLeastIn(header),
    find: (text, access) => graphql.find(text, access),
    replay: async (replay, atLeast, since) => {
      const answer = await graphql.replay(replay, atLeast, since);
      // else it is answered anew
      if (answer) metrics.answered(replay.kind, "OK", "again", performance.now() - since);
      return answer;
    },
    subscribe: (request) => graphql.subscribe(request),
    get waiting() {
      return graphql.waiting;
    },
    answer: async (request) => {
      const response = await graphql.answer(request);
      const since = request.since ?? performance.now();
      metrics.answered(response.kind, response.text ? "OK" : response.code, "executed", performance.now() - since);
      return response;
    },
  };
}
