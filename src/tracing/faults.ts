import { ServiceError } from "../cqrs/errors.ts";

/** Codes of errors that are no client's fault. */
const FAULTS: ReadonlySet<string> = new Set([
  ...["INTERNAL_SERVER_ERROR", "DATABASE_UNAVAILABLE", "SERVICE_UNAVAILABLE", "TIMED_OUT", "OUTCOME_UNKNOWN"],
]);

/** The code, if it is that of a fault of the service or of what it stands on. */
export function faultOf(code: string): string | undefined {
  return FAULTS.has(code) ? code : undefined;
}

/** What kind of fault an error is, if it is one; its text may hold what a client has sent. */
export function faultIn(error: unknown): string | undefined {
  if (error instanceof ServiceError) return faultOf(error.code);
  return error instanceof Error ? error.name : "unknown";
}
