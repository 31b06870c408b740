import type { Subscription, Transport } from "../graphql/execution/subscriptions.ts";
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
    get waiting() {
      return graphql.waiting;
    },
    subscribe: async (request) => {
      const since = performance.now();
      const begun = await graphql.subscribe(request);
      const outcome = "next" in begun ? "OK" : String(begun[0]?.extensions.code);
      metrics.answered("subscription", outcome, "executed", performance.now() - since);
      return "next" in begun ? followed(begun, request.transport, metrics) : begun;
    },
    answer: async (request) => {
      const response = await graphql.answer(request);
      const since = request.since ?? performance.now();
      metrics.answered(response.kind, response.text ? "OK" : response.code, "executed", performance.now() - since);
      return response;
    },
  };
}

/** A subscription, with a note of what it is told and why it ends. */
function followed(subscription: Subscription, transport: Transport, metrics: Metrics): Subscription {
  let isOver = false;
  const over = (reason: string) => {
    if (!isOver) metrics.unsubscribed(transport, reason);
    isOver = true;
  };
  metrics.subscribed(transport);
  return {
    startsAt: subscription.startsAt,
    next: async () => {
      try {
        const told = await subscription.next();
        if (told) metrics.told(transport);
        // nothing else ends what is told of changes while its client is there
        else over("stopping");
        return told;
      } catch (error) {
        over(String((error as { extensions?: { code?: unknown } }).extensions?.code));
        throw error;
      }
    },
    end: (reason = "left") => {
      over(reason);
      subscription.end(reason);
    },
  };
}
