/**
 * A failure that a client is told of in full: `code` goes into the GraphQL error's `extensions.code`, `message`
 * is written for the client. Anything else that is thrown is masked.
 */
export class ServiceError extends Error {
  readonly code: string;
  /** What programs are told besides, in `extensions`. */
  readonly details?: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ServiceError";
    this.code = code;
  }
}

/** The revision that a request asks for is not there yet: the database is at `reached`. */
export class RevisionNotReached extends ServiceError {
  override readonly details: { readonly reached: number; readonly stream?: string; readonly atLeast?: number };

  /**
   * @param stream Which one it is of, where there are several.
   * @param asked What the request asks about; a number is what all of its answers were to have reached.
   */
  constructor(reached: number, stream: string | undefined, asked: string | number) {
    const which = stream === undefined ? "" : ` of ${stream}`;
    const what = typeof asked === "number" ? `at least ${asked}` : asked;
    super("REVISION_NOT_REACHED", `The database is at revision ${reached}${which}; the request asks for ${what}.`);
    const atLeast = typeof asked === "number" ? { atLeast: asked } : undefined;
    this.details = { reached, ...(stream !== undefined && { stream }), ...atLeast };
  }
}

/** What led to a revision that a request asks for has been removed from the change log, which begins after `oldest`. */
export class RevisionTrimmed extends ServiceError {
  override readonly details: { readonly oldest: number };

  constructor(asked: number, oldest: number) {
    super(
      "REVISION_TRIMMED",
      `The change log reaches back to revision ${oldest}; the request asks for revision ${asked}.`,
    );
    this.details = { oldest };
  }
}

/** The database did not answer; nothing was changed. */
export class DatabaseUnavailable extends ServiceError {
  constructor(cause: unknown) {
    super("DATABASE_UNAVAILABLE", "The database does not answer; nothing was changed. Try again later.", { cause });
  }
}

/** What a client is told whose request has had all of its time. */
export function requestTimedOut(options?: ErrorOptions): ServiceError {
  const message = "The answer took too long; nothing was changed. Ask for less, or try again later.";
  return new ServiceError("TIMED_OUT", message, options);
}

/** The commit was sent and its outcome cannot be known: repeat it under its key, or look before you do. */
export class OutcomeUnknown extends ServiceError {
  constructor(cause: unknown) {
    super(
      "OUTCOME_UNKNOWN",
      "The database did not say whether the change was committed. Send it again if it had an idempotencyKey; " +
        "else read what it was to change before you repeat it.",
      { cause },
    );
  }
}

/**
 * A command that the rules of its aggregate refuse. It is an answer, not a failure: it takes no revision, and the client
 * gets the refusal as a member of the result union.
 */
export abstract class Refusal extends Error {
  /** What it is, for programs. */
  abstract readonly code: string;
}

/** The key of a command stands for another one, or for the same with another input. */
export class IdempotencyKeyReused extends Refusal {
  readonly code = "IDEMPOTENCY_KEY_REUSED";
  readonly idempotencyKey: string;

  constructor(idempotencyKey: string) {
    super("This idempotencyKey was used for another mutation, or with another input; take a new one.");
    this.idempotencyKey = idempotencyKey;
  }
}

/** A value that a unique column holds already. `OrmService` throws it in place of the driver's own error. */
export class UniqueViolation extends Error {
  readonly column: string;

  constructor(column: string, cause: unknown) {
    super(`another row has this ${column}`, { cause });
    this.name = "UniqueViolation";
    this.column = column;
  }
}

/** The process cannot start as configured. `lines` are for the operator, one for each fault. */
export class StartupError extends Error {
  readonly lines: readonly string[];

  constructor(lines: readonly string[], options?: ErrorOptions) {
    super(lines.join("\n"), options);
    this.name = "StartupError";
    this.lines = lines;
  }
}
