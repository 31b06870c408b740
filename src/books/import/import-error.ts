import { getSystemErrorMessage } from "node:util";

/** The import cannot begin or go on. `message` is one line for the operator. */
export class ImportError extends Error {}

/** What the operating system says about a failed file operation, without the call and the path. */
export function systemMessage(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException;
  // `rm` alone reports it as a positive number
  return errno === undefined ? message : getSystemErrorMessage(-Math.abs(errno));
}
