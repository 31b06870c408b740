/** What a client finds in `extensions.code` of an error. */
export interface ErrorCode {
  /** What went wrong, and what to do about it. */
  readonly description: string;
  /** The status of the answer, where it is not 200 with whatever else was asked for. */
  readonly status?: string;
}

/** The codes of what is no one module's. A module has its own beside them. */
export const errorCodes = {
  BAD_REQUEST: {
    description: "The HTTP request is not as it should be; the message says what of it. Nothing was run.",
    status: "4xx",
  },
  BAD_USER_INPUT: {
    description: "A variable, an argument, an extension or a header has a value that it may not have.",
    status: "200, 400",
  },
  DATABASE_UNAVAILABLE: { description: "The database does not answer. Nothing was changed; try again later." },
  DOCUMENT_NOT_ALLOWED: {
    description: "Only the documents that the operator has listed are answered, and this is none of them.",
    status: "403",
  },
  FORBIDDEN: {
    description:
      "The token does not have the scope that this takes, or what is asked for is turned off, as introspection may be.",
    status: "403",
  },
  GRAPHQL_PARSE_FAILED: { description: "The document is not GraphQL, or is longer or deeper than is parsed." },
  GRAPHQL_VALIDATION_FAILED: { description: "The document asks for what the schema does not have." },
  HOST_NOT_ALLOWED: { description: "The service is not asked for by this name.", status: "421" },
  INTERNAL_SERVER_ERROR: {
    description: "A fault of the service, which is in its log. Nothing more is told.",
    status: "200, 500",
  },
  LIMIT_EXCEEDED: {
    description:
      "The request asks for more than is allowed: `limit` names of what, `max` how much is, `actual` what it asks for.",
    status: "400",
  },
  OPERATION_NOT_SUPPORTED: {
    description:
      "Subscriptions go over WebSocket or as `text/event-stream`, and nothing else does; queries and mutations go by POST or GET. Nothing was run.",
    status: "200, 400",
  },
  OPERATION_RESOLUTION_FAILURE: { description: "The document has no operation of the name that was asked for." },
  ORIGIN_NOT_ALLOWED: { description: "Pages of this origin may not ask.", status: "403" },
  OUTCOME_UNKNOWN: {
    description: "The change may have been made or not. Read what it was to change before it is repeated.",
  },
  PERSISTED_QUERY_NOT_FOUND: { description: "No document of this hash is known. Send it together with its hash." },
  PERSISTED_QUERY_NOT_SUPPORTED: { description: "Hashes are not taken in place of documents. Send the document." },
  RATE_LIMITED: {
    description:
      "The client asks too often. It may come again after `Retry-After`; `RateLimit` says how much it has left.",
    status: "429",
  },
  REVISION_NOT_REACHED: {
    description: "The database is older than the revision that the request asks for: it is at `reached`.",
  },
  REVISION_TRIMMED: {
    description: "The change log does not reach back to the revision that the request asks for, but to `oldest`.",
  },
  SERVICE_UNAVAILABLE: {
    description:
      "Too much is asked at once, or a store is lost without which nothing is answered. Try again after `Retry-After`.",
    status: "200, 503",
  },
  TOO_SLOW: {
    description: "A subscription was cut off, because what it told of was not taken. Go on with `since`.",
  },
  TIMED_OUT: { description: "The answer took too long. Nothing was changed.", status: "503" },
  UNAUTHENTICATED: {
    description: "This takes a token, or the one that was sent is not good: the message says why. Nothing was run.",
    status: "401",
  },
} as const satisfies Readonly<Record<string, ErrorCode>>;
