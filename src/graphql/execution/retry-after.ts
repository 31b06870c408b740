/** Those who were refused come back spread over so many seconds, not all at once. */
export const RETRY_AFTERS = ["1", "2", "3", "4", "5"] as const;

/** A `Retry-After` by chance. */
export function retryAfter(): string {
  return anyOf(RETRY_AFTERS);
}

/** One by chance. */
export function anyOf<T>(all: readonly T[]): T {
  return all[Math.floor(Math.random() * all.length)] as T;
}
