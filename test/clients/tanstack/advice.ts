import type { ErrorCode } from "./generated/graphql.ts";

/** What a page does about an error or a refusal. */
export type Advice =
  | "show it at its field"
  | "show what is there now"
  | "say so"
  | "try again later"
  | "repeat with the same key"
  | "sign in"
  | "read anew"
  | "report it";

/** Each code has its advice, or this does not compile. */
export function adviceOn(code: ErrorCode): Advice {
  switch (code) {
    case "VALIDATION_FAILED":
    case "TITLE_TAKEN":
    case "ISBN_TAKEN":
      return "show it at its field";
    case "VERSION_CONFLICT":
    case "INSUFFICIENT_STOCK":
      return "show what is there now";
    case "BOOK_NOT_FOUND":
    case "FORBIDDEN":
    case "TOO_MANY_BOOKS":
      return "say so";
    case "DATABASE_UNAVAILABLE":
    case "SERVICE_UNAVAILABLE":
    case "TIMED_OUT":
    case "RATE_LIMITED":
      return "try again later";
    case "OUTCOME_UNKNOWN":
      return "repeat with the same key";
    case "UNAUTHENTICATED":
      return "sign in";
    case "REVISION_NOT_REACHED":
    case "REVISION_TRIMMED":
    case "TOO_SLOW":
      return "read anew";
    case "BAD_REQUEST":
    case "BAD_USER_INPUT":
    case "DOCUMENT_NOT_ALLOWED":
    case "GRAPHQL_PARSE_FAILED":
    case "GRAPHQL_VALIDATION_FAILED":
    case "HOST_NOT_ALLOWED":
    case "IDEMPOTENCY_KEY_REUSED":
    case "INTERNAL_SERVER_ERROR":
    case "LIMIT_EXCEEDED":
    case "OPERATION_NOT_SUPPORTED":
    case "OPERATION_RESOLUTION_FAILURE":
    case "ORIGIN_NOT_ALLOWED":
    case "PERSISTED_QUERY_NOT_FOUND":
    case "PERSISTED_QUERY_NOT_SUPPORTED":
      return "report it";
  }
}
