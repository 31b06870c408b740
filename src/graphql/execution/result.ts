import type { ExecutionResult } from "graphql";
import { processRegularResult } from "graphql-yoga";
import type { Report } from "../../cqrs/revisions.ts";
import { CommonError, limitErrors, withoutStacks } from "../errors.ts";
import { answerText } from "./answer-text.ts";
import {
  GRAPHQL_RESPONSE_TYPE,
  type GraphqlRequest,
  type GraphqlResponse,
  JSON_TYPE,
  type RequestContext,
} from "./request.ts";

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

/** What is answered with common errors, of which there are few. */
const commonResponses: Readonly<Record<Accept, Map<CommonError, PlainResponse>>> = {
  [JSON_TYPE]: new Map(),
  [GRAPHQL_RESPONSE_TYPE]: new Map(),
};

function commonResponse(error: CommonError, accept: Accept): PlainResponse {
  const known = commonResponses[accept].get(error);
  if (known) return known;
  const made = plainResponse({ errors: [error] }, accept);
  commonResponses[accept].set(error, made);
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
