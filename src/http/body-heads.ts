import type { IncomingMessage } from "node:http";

const JSON_BODY = /^application\/json\s*(?:;(.*))?$/is;
const CHARSET = /(?:^|;)\s*charset\s*=\s*"?([^\s;"]*)/i;

/** Why a body of this kind is not read. */
export function faultOfHead({ headers }: IncomingMessage): string | undefined {
  const type = headers["content-type"];
  if (type !== "application/json") {
    const [kind, parameters] = JSON_BODY.exec(type ?? "") ?? [];
    if (kind === undefined) return "POST takes a body of the type application/json.";
    const charset = CHARSET.exec(parameters ?? "")?.[1];
    if (charset !== undefined && !/^(utf-?8|us-ascii)$/i.test(charset)) return "The body must be in UTF-8.";
  }
  const encoding = headers["content-encoding"];
  if (encoding === undefined || /^\s*(identity)?\s*$/i.test(encoding)) return undefined;
  return "The body must not be compressed: no Content-Encoding is taken.";
}
