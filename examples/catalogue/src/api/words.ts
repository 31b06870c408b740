import type { CombinedError } from "urql";
import type { ErrorCode, FieldErrorCode } from "../generated/graphql.ts";

/** What to say of a field, by code rather than by the service's message: so it can be said in any language. */
const FIELD_WORDS: Record<FieldErrorCode, (limit: number) => string> = {
  REQUIRED: () => "Please fill this in.",
  INVALID_CHARACTER: () => "There are characters in it that cannot be stored, such as control characters.",
  INVALID_FORMAT: () => "This does not look right. Please check how it is written.",
  TOO_LONG: (limit) => `Please use ${limit.toLocaleString("en")} characters at most.`,
  TOO_LARGE: (limit) => `This can be ${limit.toLocaleString("en")} at most.`,
  TOO_SMALL: (limit) => `This must be at least ${limit.toLocaleString("en")}.`,
};

export function fieldProblem({ code, limit }: { code: FieldErrorCode; limit?: number | null | undefined }): string {
  return FIELD_WORDS[code](limit ?? 0);
}

/** Codes that readers can do something about, or that say what has become of what they did. All else is our fault. */
const FAILURE_WORDS: Partial<Record<ErrorCode, string>> = {
  DATABASE_UNAVAILABLE: "The catalogue cannot be reached at the moment. Nothing was changed.",
  FORBIDDEN: "You may look at the catalogue, but not change it.",
  OUTCOME_UNKNOWN:
    "The connection broke at the wrong moment. Please look whether your change is there before you repeat it.",
  RATE_LIMITED: "That was a little fast. Please wait a moment and try again.",
  SERVICE_UNAVAILABLE: "The catalogue is very busy at the moment. Nothing was changed.",
  TIMED_OUT: "That took too long and was given up. Nothing was changed.",
  UNAUTHENTICATED: "Please sign in first.",
};

export function failureInWords({ graphQLErrors, networkError }: CombinedError): string {
  // it was tried often enough that nobody can say
  if (networkError)
    return "The catalogue does not answer. What you have just done may be saved or not; please look later.";
  const code = graphQLErrors[0]?.extensions.code as ErrorCode | undefined;
  // the service says which part of a question cannot be meant, as dates that are out of order
  if (code === "BAD_USER_INPUT") return `This cannot be answered: ${graphQLErrors[0]?.message}`;
  return (code && FAILURE_WORDS[code]) ?? "Something went wrong on our side. Please try again later.";
}
