import type { ExecutionResult } from "graphql";
import { processRegularResult } from "graphql-yoga";
import type { Report } from "../../cqrs/revisions.ts";
import { limitErrors, withoutStacks } from "../errors.ts";
import { answerText } from "./answer-text.ts";
import type { GraphqlRequest, GraphqlResponse, RequestContext } from "./request.ts";

/**
 * What a result is answered with. Where there are errors, Yoga knows which status and headers they ask for.
 *
 * @param cost if it is to be told
 */
export function responseOf(
  result: ExecutionResult,
  cost: number | undefined,
  report: Report | undefined,
  accept: GraphqlRequest["accept"],
  { kind, operationName }: Pick<RequestContext, "kind" | "operationName">,
): GraphqlResponse {
  const { data, errors } = result;
  if (data && !errors) return { text: answerText(data, cost, report), kind, operationName };
  const extensions = { ...(cost !== undefined && { cost }), ...(report && { consistency: report }) };
  const all = {
    ...result,
    ...(errors && { errors: limitErrors(errors) }),
    ...(Object.keys(extensions).length > 0 && { extensions }),
  };
  // it makes each error anew
  const made = withoutStacks(() => processRegularResult(all, plainResponses, accept));
  const { status, headers, body } = made as unknown as PlainResponse;
  return { status, headers, body, report, kind, operationName, code: String(errors?.[0]?.extensions.code) };
}

/** What Yoga makes of a result, as plain values. */
class PlainResponse {
  readonly body: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(body: string, { status, headers }: { status: number; headers: Record<string, string> }) {
    this.body = body;
    this.status = status;
    this.headers = headers;
  }
}

const plainResponses = { Response: PlainResponse } as never;
