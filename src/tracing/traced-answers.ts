import type { GraphqlResponse } from "../graphql/execution/request.ts";
import type { GraphqlAnswers } from "../http/graphql-route.ts";
import { faultIn, faultOf } from "./faults.ts";
import type { Part, Tracing } from "./tracing.ts";

/** Names of clients' operations are cut. */
const MAX_NAME = 100;

/**
 * What answers requests, each operation followed. Where `isTrusted`, all documents are the operator's own, and operations go by
 * their names; else a name is what a client likes, and stands among what is told of one.
 */
export function tracedAnswers(graphql: GraphqlAnswers, tracing: Tracing, isTrusted: boolean): GraphqlAnswers {
  return {
    atLeastIn: (header) => graphql.atLeastIn(header),
    get waiting() {
      return graphql.waiting;
    },
    find: (text, access) => graphql.find(text, access),
    replay: (replay, atLeast, since) => {
      const { kind } = replay;
      const within = tracing.current;
      if (!within) return graphql.replay(replay, atLeast, since);
      const attributes = { "graphql.operation.type": kind, "catalogue.lane": "again" };
      return inPart(tracing.begin(kind, { within, attributes }), async (part) => {
        const text = await graphql.replay(replay, atLeast, since);
        // else it is answered anew
        part.end({ "catalogue.outcome": text ? "OK" : "answered anew" });
        return text;
      });
    },
    answer: (request) => {
      const within = tracing.current;
      if (!within) return graphql.answer(request);
      const part = tracing.begin("graphql", { within, attributes: { "catalogue.lane": "executed" } });
      return inPart(part, async () => {
        const response = await graphql.answer(request);
        endOf(part, response, isTrusted);
        return response;
      });
    },
    subscribe: (request) => {
      const attributes = { "graphql.operation.type": "subscription", "catalogue.transport": request.transport };
      const part = tracing.begin("subscription", { within: request.trace, attributes });
      return inPart(part, async () => {
        const begun = await graphql.subscribe(request);
        const code = "next" in begun ? "OK" : String(begun[0]?.extensions.code);
        part.end({ "catalogue.outcome": code }, faultOf(code));
        return begun;
      });
    },
  };
}

/** Does `work` as this part, which ends with it at the latest. */
async function inPart<R>(part: Part, work: (part: Part) => Promise<R>): Promise<R> {
  try {
    return await part.run(() => work(part));
  } catch (error) {
    part.end({}, faultIn(error));
    throw error;
  }
}

function endOf(part: Part, response: GraphqlResponse, isTrusted: boolean): void {
  const { kind, operationName } = response;
  const outcome = response.text ? "OK" : response.code;
  const report = response.text ? response.text.report : response.report;
  if (kind) part.name(isTrusted && operationName !== undefined ? `${kind} ${operationName}` : kind);
  part.end(
    {
      ...(kind && { "graphql.operation.type": kind }),
      ...(operationName !== undefined && { "graphql.operation.name": operationName.slice(0, MAX_NAME) }),
      ...(report?.servedBy && { "catalogue.served_by": report.servedBy }),
      ...(report?.revision !== undefined && { "catalogue.revision": report.revision }),
      "catalogue.outcome": outcome,
    },
    faultOf(outcome),
  );
}
