import { createHash } from "node:crypto";
import type { JWTPayload } from "jose";
import type { Access } from "../graphql/execution/access.ts";

/** A name that no person and no program has: longer ones would fill the log. OpenID Connect has the same bound. */
const LONGEST_SUBJECT = 255;
/** What stands in no name, and cannot be stored everywhere. */
const NO_SUBJECT = /[\p{Cc}\p{Cs}]/u;

/** What is wrong with claims that are signed, for their sender. */
export class BadClaims extends Error {}

/**
 * What claims come to: of their scopes those that are `known`, until they expire, give or take the difference of clocks.
 *
 * @throws BadClaims
 */
export function accessOf(
  { iss = "", sub, exp, scope, scp }: JWTPayload,
  options: { readonly known: ReadonlySet<string>; readonly logSubject: boolean; readonly toleranceS: number },
): Access {
  if (typeof sub !== "string" || sub === "" || sub.length > LONGEST_SUBJECT || NO_SUBJECT.test(sub)) {
    throw new BadClaims(`The claim sub of the token must be a text of 1 to ${LONGEST_SUBJECT} characters.`);
  }
  // whose keys of repeats and whose rate these are is to be told from others, and need not be read
  const subject = createHash("sha256")
    .update(JSON.stringify([iss, sub]))
    .digest("base64url");
  return {
    asker: { subject, who: options.logSubject ? sub : null },
    scopes: new Set(scopesIn(scope ?? scp).filter((one) => options.known.has(one))),
    until: ((exp as number) + options.toleranceS) * 1000,
  };
}

/** As a text with blanks between them (RFC 8693), or as a list, in which some issuers put them. */
function scopesIn(claim: unknown): string[] {
  const texts = Array.isArray(claim) ? claim : [claim];
  return texts.flatMap((text) => (typeof text === "string" ? text.split(" ") : []));
}
