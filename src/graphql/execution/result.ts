import type { ExecutionResult } from "graphql";
import { processRegularResult } from "graphql-yoga";
import type { Report } from "../../cqrs/revisions.ts";
import { CommonError, limitErrors, withoutStacks } from "../errors.ts";
import { answerText } from "./answer-text.ts";
import type { GraphqlRequest, GraphqlResponse, RequestContext } from "./request.ts";

type Accept = GraphqlRequest["accept"];

/**
 * What a result is answered with. Where there are errors, Yoga knows which status and headers they ask for.
 *
 * @param cost if it is to be told
 */
export function responseOf(
  result: ExecutionResult,
  cost: number | undefined,
  report: Report | undefined,
  accept: Accept,
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
  const [first] = errors ?? [];
  const isCommon = first instanceof CommonError && errors?.length === 1 && data === undefined && !all.extensions;
  const { status, headers, body } = isCommon ? commonResponse(first, accept) : plainResponse(all, accept);
  return { status, headers, body, report, kind, operationName, code: String(first?.extensions.code) };
}

/** What is answered with a common error, by media type: of both there are few. */
const commonResponses = new Map<CommonError, Map<Accept, PlainResponse>>();

function commonResponse(error: CommonError, accept: Accept): PlainResponse {
  const known = commonResponses.get(error)?.get(accept);
  if (known) return known;
  const made = plainResponse({ errors: [error] }, accept);
  commonResponses.set(error, new Map([...(commonResponses.get(error) ?? []), [accept, made]]));
  return made;
}

function plainResponse(result: ExecutionResult, accept: Accept): PlainResponse {
  // it makes each error anew
  return withoutStacks(() => processRegularResult(result, plainResponses, accept)) as unknown as PlainResponse;
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
