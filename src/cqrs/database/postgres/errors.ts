import { DatabaseError } from "pg";
import type { PostgresSettings } from "./connection-url.ts";

/** SQLSTATE classes and codes of a server that cannot work now, and what Node says of one that is out of reach. */
const UNAVAILABLE =
  /^(08|28|3D000|42501|53|57|58|XX|25006|25P0[234]|55P03)|^E(CONN|PIPE|HOST|NET|TIMEDOUT|AI_AGAIN|NOTFOUND)/;
/** SQLSTATEs of a transaction that the server ended to let another one through: it is rolled back, even at its commit. */
const ROLLED_BACK = /^(40001|40P01)$/;
/** The connection was lost, so the server rolls back what was not yet committed. */
const CONNECTION_LOST = /^(08|57P0[1-5]|25P0[34])|^E(CONN|PIPE)/;
/** What `pg` says, without a code, of a connection that it lost or could not get. */
const TERMINATED = /^(Connection terminated|Connection ended|Client (has encountered|was closed))/;
const NO_ANSWER = /^Query read timeout/;
const NO_TLS = "The server does not support SSL connections";
/** The server is not there, or not now: asking it in another way is no use. */
const OUT_OF_REACH = /^(E(CONNREFUSED|HOST|NET|TIMEDOUT|AI_|NOTFOUND|NOENT|ACCES)|57P03)/;
const TIMED_OUT = /timeout/;

/** A server that is no use, though it answers: another host may be the right one. */
export class WrongServer extends Error {}

/** No connection could be had, whatever the reason. */
export class NoConnection extends Error {
  readonly #failures: readonly Error[];
  /** The code of the last failure. */
  readonly code: string | undefined;

  constructor(failures: readonly Error[]) {
    // that a server has no TLS only matters when there was nothing else
    const telling = failures.filter(({ message }) => message !== NO_TLS);
    const shown = telling.length > 0 ? telling : failures;
    super([...new Set(shown.map((one) => one.message || codeOf(one)))].join("; "), { cause: shown[0] });
    this.name = "NoConnection";
    this.#failures = shown;
    this.code = codeOf(shown.at(-1));
  }

  /** Why each attempt failed, without what says nothing beside the others. No property, so that a log has no copy. */
  get failures(): readonly Error[] {
    return this.#failures;
  }
}

/** Whether the next host is to be tried. One that answers with a refusal has decided for all of them, as with libpq. */
export function needsAnotherHost(error: Error): boolean {
  return !(error instanceof DatabaseError) || codeOf(error) === "57P03";
}

/** Whether to try without TLS what failed with it, or the other way round. */
export function needsOtherEncryption(error: Error): boolean {
  return !(error instanceof WrongServer || OUT_OF_REACH.test(codeOf(error) ?? "") || TIMED_OUT.test(error.message));
}

export function isUnavailable(error: Error): boolean {
  if (error instanceof NoConnection) return true;
  const code = codeOf(error);
  return code ? UNAVAILABLE.test(code) : TERMINATED.test(error.message) || NO_ANSWER.test(error.message);
}

export function isRetryable(error: Error, committing: boolean): boolean {
  // whoever waits has waited long enough
  if (error instanceof NoConnection && TIMED_OUT.test(error.message)) return false;
  const code = codeOf(error) ?? "";
  return ROLLED_BACK.test(code) || (!committing && (CONNECTION_LOST.test(code) || TERMINATED.test(error.message)));
}

const UNKNOWN_AUTHORITY = "the certificate is of an authority that is not known here: name it in sslrootcert";

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "the name of the host cannot be looked up",
  ENOENT: "there is no such socket",
  EACCES: "the socket may not be used",
  ECONNRESET: "the connection was reset",
  ETIMEDOUT: "there was no answer in time",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate is for another host",
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
};

/** The tables themselves are asked about, right by right, once there is nothing to migrate. */
const NEEDED_AT_START =
  "the role needs select on mikro_orm_migrations and, to migrate, create on the schema and to own its tables";

/**
 * An error for the operator, in one line. Of what the URL says nothing is repeated, for in a mistyped one any part may be
 * the password: Node tells the host, the server the role and the database, in quotes of its language.
 */
export function reasonOf(error: Error, settings: PostgresSettings): string {
  if (error instanceof NoConnection)
    return [...new Set(error.failures.map((one) => reasonOf(one, settings)))].join("; ");
  const code = codeOf(error) ?? "";
  const known = REASONS[code] ?? (/^E[A-Z]+$/.test(code) ? "it cannot be reached" : undefined);
  if (known) return `${known} (${code})`;
  let reason = error.message.replaceAll(/\s*\n\s*/g, " ");
  if (code === "42501") reason += `; ${NEEDED_AT_START}`;
  for (const value of [settings.user, settings.database]) {
    for (const [open, close] of QUOTES) reason = reason.replaceAll(open + value + close, `${open}…${close}`);
  }
  return settings.password ? reason.replaceAll(settings.password, "…") : reason;
}

/** How servers quote names in the languages that they speak. */
const QUOTES = [
  ['"', '"'],
  ["»", "«"],
  ["«", "»"],
  ["« ", " »"],
  ["„", "“"],
  ["“", "”"],
  ["'", "'"],
] as const;

function codeOf(error: Error | undefined): string | undefined {
  return (error as { code?: string } | undefined)?.code;
}
