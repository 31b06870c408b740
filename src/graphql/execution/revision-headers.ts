import type { Report, Revisions } from "../../cqrs/revisions.ts";

const AT_LEAST_HEADER = "Consistency-At-Least";

/** As JSON writes a whole number that is not negative; JavaScript's largest one has 16 digits. */
const REVISION = /^(?:0|[1-9]\d{0,15})$/;

/**
 * What reads `Consistency-At-Least`: a revision of the first of the `streams`, or of several as `name=42,
 * other=7`. Two headers are to HTTP one with a comma.
 *
 * The reader returns a text that says what is wrong where the header is not so.
 */
export function atLeastReader(streams: readonly string[]): (header: string) => Revisions | string {
  const [first = ""] = streams;
  const example = streams.map((name, i) => `${name}=${42 - i}`).join(", ");
  const fault = `${AT_LEAST_HEADER} must be one whole number from 0 to 2^53 - 1, or such by stream: ${example}.`;
  return (header) => {
    const alone = revisionIn(header);
    if (alone !== undefined) return { [first]: alone };
    const revisions: Record<string, number> = {};
    for (const part of header.split(",")) {
      const [name = "", text = "", ...more] = part.trim().split("=");
      const revision = revisionIn(text);
      if (revision === undefined || more.length > 0 || !streams.includes(name) || name in revisions) return fault;
      revisions[name] = revision;
    }
    return revisions;
  };
}

/** A revision as it is written in a header; undefined for what is none. */
export function revisionIn(text: string): number | undefined {
  const revision = REVISION.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(revision) ? revision : undefined;
}

/** `Consistency-Revision` of an answer, in the same forms; undefined where nothing was read or written. */
export function revisionHeader({ revision, streams }: Partial<Report> = {}): string | undefined {
  if (!streams) return revision === undefined ? undefined : String(revision);
  return Object.entries(streams)
    .map(([name, reached]) => `${name}=${reached}`)
    .join(", ");
}
