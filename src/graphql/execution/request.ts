import type { OperationTypeNode } from "graphql";
import type { GraphQLParams } from "graphql-yoga";
import type { Consistency } from "../../cqrs/consistency.ts";
import type { Handlers } from "../../cqrs/handlers.ts";
import type { Report, Revisions } from "../../cqrs/revisions.ts";
import type { Context } from "../builder.ts";
import type { Access, Needs } from "./access.ts";
import type { AnswerText } from "./answer-text.ts";
import type { OperationLimits } from "./limits.ts";
import type { DocumentOptions } from "./persisted-documents.ts";

export const JSON_TYPE = "application/json";
export const EVENT_STREAM_TYPE = "text/event-stream";
export const GRAPHQL_RESPONSE_TYPE = "application/graphql-response+json";

/** What a request may ask for and take. */
export interface GraphqlLimits extends OperationLimits {
  /** How long a request may take, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** The largest answer. */
  readonly answerBytes: number;
  /** How many subscriptions a client may have at once. */
  readonly subscriptions: number;
  /** Which documents may be asked for. */
  readonly documents: DocumentOptions;
}

/** By what the log names a request. */
export interface RequestNames {
  readonly requestId: string;
  /** Of the trace that it belongs to, where it does. */
  readonly traceId?: string;
}

/** To what a request belongs among all that is done for somebody. */
export interface RequestTrace {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
  /** What those before have added, unread. */
  readonly state?: string | undefined;
}

/** A GraphQL request as it came over HTTP. */
export interface GraphqlRequest {
  /** Of a GET no mutation is run. */
  readonly method: "GET" | "POST";
  /** The body of a POST, or the query string of a GET from its `?` on: the same text is the same request. */
  readonly text?: string;
  /** What was asked for. */
  readonly params: GraphQLParams;
  /** The revisions that the answer must have reached, beside those that the extensions name. */
  readonly atLeast?: Revisions;
  readonly accept: typeof JSON_TYPE | typeof GRAPHQL_RESPONSE_TYPE;
  /** When its time began, as `performance.now()` has it: before a replay was looked for. */
  readonly since?: number;
  /** Whether its client has gone away. */
  readonly isGone?: () => boolean;
  /** Who asks; anybody unless given. */
  readonly access?: Access;
  /** By what the log names it. */
  readonly names?: RequestNames;
}

/** What was answered, for whoever counts or follows that. */
interface Answered {
  /** Of the operation; undefined where none was found. */
  readonly kind?: OperationTypeNode | undefined;
  /** As its document, which may be a client's, has it. */
  readonly operationName?: string | undefined;
}

/** An answer with its status. One without errors has its `text`, the status 200, and no headers but those of its type. */
export type GraphqlResponse =
  | (Answered & { readonly text: AnswerText })
  | (Answered & {
      readonly text?: undefined;
      /** Of its first error. */
      readonly code: string;
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      /** What the part of it is true at that is no error. */
      readonly report?: Report | undefined;
    });

/** The context of one request, filled as it becomes known. */
export class RequestContext {
  handlers: Handlers | undefined = undefined;
  consistency: Consistency | undefined = undefined;
  /** As the request has it. */
  readonly atLeast: Revisions | undefined;
  tellsCost = false;
  cost: number | undefined = undefined;
  kind: OperationTypeNode | undefined = undefined;
  operationName: string | undefined = undefined;
  needs: Needs | undefined = undefined;
  readonly access: Access | undefined;
  readonly isGone: (() => boolean) | undefined;
  readonly names: RequestNames | undefined;
  /** When its time is over, as `performance.now()` has it. */
  readonly lateAt: number;
  /** Of the document, which need not have come with the request. */
  documentLength: number | undefined = undefined;
  /** To be called when the document has been found to be one that may be run. */
  keepDocument: (() => void) | undefined = undefined;
  /** Set while the operation has its turn in the line of heavy ones; to be called when it is answered. */
  leaveLine: (() => void) | undefined = undefined;

  constructor({ atLeast, isGone, access, names }: GraphqlRequest, lateAt: number) {
    this.lateAt = lateAt;
    this.names = names;
    this.access = access;
    this.atLeast = atLeast;
    this.isGone = isGone;
  }
}

/** Makes what a request knows of itself from its extensions; it throws a GraphQLError where they are wrong. */
export type ContextOf = (
  params: GraphQLParams,
  given: Partial<RequestContext>,
) => Context & { readonly consistency: Consistency; readonly tellsCost: boolean };
