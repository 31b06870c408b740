import type { Report } from "../../cqrs/revisions.ts";
import { ownBytes } from "./own-bytes.ts";

/**
 * Longer texts are kept as bytes: to encode 10 kB anew takes 15 µs, and what is kept of them is compressed once. Shorter ones
 * are faster as text.
 */
const MAX_TEXT = 1000;

/**
 * The text of an answer without errors, which a replay sends again: `head`, the report on what it is true at, `tail`.
 * Without a report, because nothing was read or written, `head` is all of it.
 */
export interface AnswerText {
  readonly head: string | Buffer;
  readonly report: Report | undefined;
  readonly tail: string;
}

/** @param cost if it is to be told */
export function answerText(data: object, cost: number | undefined, report: Report | undefined): AnswerText {
  const before = `{"data":${JSON.stringify(data)}`;
  if (!report)
    return { head: cost === undefined ? `${before}}` : `${before},"extensions":{"cost":${cost}}}`, report, tail: "" };
  const first = cost === undefined ? "" : `"cost":${cost},`;
  return { head: `${before},"extensions":{${first}"consistency":`, report, tail: "}}" };
}

/** `head` as it is best kept. */
export function keptHead(head: string | Buffer): string | Buffer {
  return typeof head === "string" && head.length > MAX_TEXT ? ownBytes(head) : head;
}

/** The whole text. */
export function bodyOf(text: AnswerText): string | Buffer {
  const { head, report } = text;
  if (!report) return head;
  const rest = restOf(text);
  return typeof head === "string" ? head + rest : Buffer.concat([head, Buffer.from(rest)]);
}

/** What comes behind `head`. */
export function restOf({ report, tail }: AnswerText): string {
  return report ? textOf(report) + tail : tail;
}

/** The report as `JSON.stringify` would write it, in a fraction of the time where there is one stream. */
function textOf(report: Report): string {
  const { revision, servedBy, streams } = report;
  if (revision === undefined || streams) return JSON.stringify(report);
  return `{"revision":${revision},"servedBy":"${servedBy}"}`;
}
