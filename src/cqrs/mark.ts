import { randomUUID } from "node:crypto";

/**
 * `revision:token` names one state of one history. Revisions count a stream's commands; the token is random for each,
 * so that a restored database which goes on differently has the same revisions under other marks.
 */
export interface Mark {
  readonly revision: number;
  readonly token: string;
}

export function formatMark({ revision, token }: Mark): string {
  return `${revision}:${token}`;
}

/** `undefined` for whatever is not a mark: Redis may hold anything. */
export function parseMark(text: unknown): Mark | undefined {
  const [, digits, token] = (typeof text === "string" && /^(\d{1,16}):([\w-]+)$/.exec(text)) || [];
  const revision = Number(digits);
  return token !== undefined && Number.isSafeInteger(revision) ? { revision, token } : undefined;
}

export function sameMark(a: Mark, b: Mark): boolean {
  return a.revision === b.revision && a.token === b.token;
}

/** A token tells histories apart, so it must not repeat by chance: 122 random bits. */
export function newToken(): string {
  return randomUUID();
}
