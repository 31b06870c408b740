import type { Operation } from "../history/operation.ts";

/** Headers that say who has answered, and when. */
const TELLING = [
  ...["date", "age", "via", "server", "cache-control", "cdn-cache-control", "surrogate-control", "etag", "expires"],
  ...["last-modified", "vary", "warning", "content-type", "consistency-revision", "retry-after"],
];
/** What else caches and proxies call theirs. */
const BY_NAME = /cache|served|backend|upstream|varnish|cf-ray|x-amz-cf|forwarded|request-id/;

/** What went over the wire, as lines of a report. Tokens are not among it: they go in a header. */
export function showExchange({ exchange, process }: Operation): readonly string[] {
  if (!exchange) return [];
  const { method, sent, sentAt, answeredAt, status, headers = {}, received } = exchange;
  const told = Object.entries(headers).filter(([name]) => TELLING.includes(name) || BY_NAME.test(name));
  return [
    `  ${new Date(sentAt).toISOString()}  ${method} ${process}`,
    `    ${sent.replaceAll(/\\n\s*|\s+/g, " ")}`,
    `  ${new Date(answeredAt).toISOString()}  ${status ?? "no answer"}`,
    ...told.map(([name, value]) => `    ${name}: ${value}`),
    ...(received === undefined ? [] : [`    ${received.replaceAll(/\s*\n\s*/g, " ")}`]),
  ];
}
