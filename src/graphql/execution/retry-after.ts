/** Those who were refused come back spread over so many seconds, not all at once. */
const RETRY_AFTER_S = 5;

/** A `Retry-After` by chance. */
export function retryAfter(): string {
  return String(1 + Math.floor(Math.random() * RETRY_AFTER_S));
}
