import { GraphQLError, type GraphQLErrorOptions } from "graphql";
import type { Logger } from "pino";
import { ServiceError } from "../cqrs/errors.ts";

/** More errors than this help nobody, and a hostile request can cause thousands. */
const MAX_ERRORS = 20;
/** graphql repeats the offending value in its messages, whatever its size. */
const MAX_MESSAGE = 500;
/** A response key is as long as its client likes, and stands in the path of each error. */
const MAX_PATH_KEY = 100;

/** The status of an answer that has such an error, where it is not that of every answer. */
const STATUSES: Readonly<Record<string, number>> = {
  ...{ LIMIT_EXCEEDED: 400, OPERATION_NOT_SUPPORTED: 400 },
  ...{ FORBIDDEN: 403, TIMED_OUT: 503 },
};

/**
 * Makes of an error what a client is told, and logs what is the service's own fault, with the `names` of the request.
 */
export type ToClientError = (error: unknown, names: object | undefined) => GraphQLError;

/** An error as a client is told of it. */
function clientError(message: string, options: GraphQLErrorOptions): GraphQLError {
  return withoutStacks(() => new GraphQLError(message, options));
}

/** An error that is made once and told to many, of whose requests it says nothing: to refuse takes as little time as it can. */
export class CommonError extends GraphQLError {}

/** Makes errors of which nobody sees the stacks, which take longer to note than all else that makes up an answer with an error. */
export function withoutStacks<T>(make: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/**
 * What a client is told of an error, in the one place where that is decided. A `ServiceError` has its own code; what
 * GraphQL itself finds wrong with a request is the client's fault; all else is logged and masked.
 */
export function toClientError(error: unknown, log: Logger, names: object | undefined): GraphQLError {
  if (error instanceof CommonError) return error;
  const original = error instanceof GraphQLError ? (error.originalError ?? error) : error;
  if (original instanceof ServiceError) {
    if (original.cause) log.error({ ...names, err: original.cause, code: original.code }, "a request failed");
    const status = STATUSES[original.code];
    return located(original.message, error, {
      code: original.code,
      ...original.details,
      ...(status !== undefined && { http: { status } }),
    });
  }
  if (original instanceof GraphQLError) {
    // without a path nothing was executed, which the status says to those who ask for GraphQL's own media type
    const notExecuted = error instanceof GraphQLError && !error.path ? { spec: true, status: 400 } : undefined;
    const { code = "BAD_USER_INPUT", http = notExecuted } = original.extensions;
    return clientError(original.message, {
      ...place(error),
      extensions: { code, ...(http !== undefined && { http }) },
    });
  }
  log.error({ ...names, err: original }, "a request failed unexpectedly");
  return located("Something went wrong on the server; the error was logged.", error, { code: "INTERNAL_SERVER_ERROR" });
}

/** Keeps a hostile request from being answered with megabytes of errors. */
export function limitErrors(errors: readonly GraphQLError[]): readonly GraphQLError[] {
  const shown = errors.slice(0, MAX_ERRORS).map(shortened);
  if (errors.length <= MAX_ERRORS) return shown;
  const more = clientError(`There are ${errors.length - MAX_ERRORS} more errors.`, {
    extensions: { code: errors[0]?.extensions.code },
  });
  return [...shown, more];
}

function located(message: string, error: unknown, extensions: object): GraphQLError {
  return clientError(message, { ...place(error), extensions: { ...extensions } });
}

function place(error: unknown) {
  if (!(error instanceof GraphQLError)) return {};
  const { nodes, source, positions, path } = error;
  return { nodes: nodes ?? null, source: source ?? null, positions: positions ?? null, path: path ?? null };
}

function shortened(error: GraphQLError): GraphQLError {
  const { message, path, extensions } = error;
  const isLong = (key: string | number) => typeof key === "string" && key.length > MAX_PATH_KEY;
  if (message.length <= MAX_MESSAGE && !path?.some(isLong)) return error;
  return clientError(cut(message, MAX_MESSAGE), {
    ...place(error),
    path: path?.map((key) => (typeof key === "string" ? cut(key, MAX_PATH_KEY) : key)) ?? null,
    extensions,
  });
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
