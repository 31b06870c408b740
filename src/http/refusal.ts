/** The code of a refusal: what the client did wrong, or that it may come again. */
export type RefusalCode =
  | "BAD_REQUEST"
  | "BAD_USER_INPUT"
  | "HOST_NOT_ALLOWED"
  | "UNAUTHENTICATED"
  | "RATE_LIMITED"
  | "ORIGIN_NOT_ALLOWED"
  | "SERVICE_UNAVAILABLE"
  | "INTERNAL_SERVER_ERROR";

/** The body of a refusal, in the form of GraphQL's errors. */
export function refusal(message: string, code: RefusalCode): string {
  return JSON.stringify({ errors: [{ message, extensions: { code } }] });
}
