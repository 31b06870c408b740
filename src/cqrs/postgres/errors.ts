import { DatabaseError } from "pg";

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
  /** Why each attempt failed, without what says nothing beside the others. */
  readonly failures: readonly Error[];
  /** The code of the last failure. */
  readonly code: string | undefined;

  constructor(failures: readonly Error[]) {
    // that a server has no TLS only matters when there was nothing else
    const telling = failures.filter(({ message }) => message !== NO_TLS);
    const shown = telling.length > 0 ? telling : failures;
    super([...new Set(shown.map((one) => one.message || codeOf(one)))].join("; "), { cause: shown[0] });
    this.name = "NoConnection";
    this.failures = shown;
    this.code = codeOf(shown.at(-1));
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

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there (ECONNREFUSED)",
  ENOTFOUND: "there is no such host (ENOTFOUND)",
  EAI_AGAIN: "the name of the host cannot be looked up (EAI_AGAIN)",
  ENOENT: "there is no such socket (ENOENT)",
  EACCES: "the socket may not be used (EACCES)",
  ECONNRESET: "the connection was reset (ECONNRESET)",
  ETIMEDOUT: "there was no answer in time (ETIMEDOUT)",
};

/**
 * An error for the operator, in one line. Node's own repeat the host, in which a mistyped URL has a part of the password;
 * the server's may repeat what the operator needs to know, such as the role, but not the password.
 */
export function reasonOf(error: Error, password: string | undefined): string {
  if (error instanceof NoConnection)
    return [...new Set(error.failures.map((one) => reasonOf(one, password)))].join("; ");
  const code = codeOf(error) ?? "";
  const known = REASONS[code] ?? (/^E[A-Z_]+$/.test(code) ? `it cannot be reached (${code})` : undefined);
  const reason = known ?? error.message.replaceAll(/\s*\n\s*/g, " ");
  return password ? reason.replaceAll(password, "…") : reason;
}

function codeOf(error: Error | undefined): string | undefined {
  return (error as { code?: string } | undefined)?.code;
}
