import { type ExecutionArgs, type ExecutionResult, execute, GraphQLError, type GraphQLSchema } from "graphql";
import {
  createYoga,
  type GraphQLParams,
  type Plugin,
  processRegularResult,
  type YogaInitialContext,
} from "graphql-yoga";
import type { Logger } from "pino";
import { Consistency } from "../../cqrs/consistency.ts";
import type { Handlers } from "../../cqrs/handlers.ts";
import type { Context } from "../builder.ts";
import { limitErrors, toClientError } from "../errors.ts";
import { exceeds, mayExceed } from "./answer-size.ts";
import { CompiledExecutor, type Operation } from "./compiled-executor.ts";
import { inTime } from "./deadline.ts";
import { boundedDocuments } from "./documents.ts";
import { extensionsReader, isPersistedQuery, persistedQueryNotSupported } from "./extensions.ts";
import { HeavyLine } from "./heavy-line.ts";
import { LimitExceeded, Limits, type OperationLimits } from "./limits.ts";
import { Replays } from "./replays.ts";

export const JSON_TYPE = "application/json";
export const GRAPHQL_RESPONSE_TYPE = "application/graphql-response+json";

/** What a request may ask for and take. */
export interface GraphqlLimits extends OperationLimits {
  /** How long a request may take, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** The largest answer. */
  readonly answerBytes: number;
}

/** A GraphQL request as it came over HTTP. */
export interface GraphqlRequest {
  /** Of a GET no mutation is run. */
  readonly method: "GET" | "POST";
  /** The body of a POST: the same text is the same request. */
  readonly text?: string;
  /** What was asked for. */
  readonly params: GraphQLParams;
  readonly accept: typeof JSON_TYPE | typeof GRAPHQL_RESPONSE_TYPE;
  /** When its time began, as `performance.now()` has it: before a replay was looked for. */
  readonly since?: number;
  /** Whether its client has gone away. */
  readonly isGone?: () => boolean;
}

export interface GraphqlResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The context of one request, filled as it becomes known. */
interface RequestContext extends Partial<Context> {
  tellsCost?: boolean;
  cost?: number;
  isQuery?: boolean;
  isGone?: () => boolean;
  /** Set while the operation has its turn in the line of heavy ones; to be called when it is answered. */
  leaveLine?: () => void;
}

/**
 * Runs GraphQL requests through Yoga, all but its HTTP side: requests and responses as the web platform has them cost
 * more than an execution does. Routes, limits and methods are the HTTP server's.
 *
 * Every operation is held against the limits before it runs, whichever way it came: in `#run`. Only a replay is not: it
 * answers a request that was, by limits that do not change while the process lives.
 */
export class Graphql {
  readonly #replays = new Replays();
  readonly #line = new HeavyLine();
  readonly #executor: CompiledExecutor;
  readonly #yoga;
  readonly #handlers: Handlers;
  readonly #streams: readonly string[];
  readonly #extensionsOf: ReturnType<typeof extensionsReader>;
  readonly #limits: GraphqlLimits;
  readonly #tooMuch = () => tooMuch(this.#limits.answerBytes);
  readonly #log: Logger;

  /** `streams` names those of the handlers, in the order of their modules. */
  constructor(
    schema: GraphQLSchema,
    handlers: Handlers,
    streams: readonly string[],
    limits: GraphqlLimits,
    log: Logger,
  ) {
    this.#handlers = handlers;
    this.#streams = streams;
    this.#extensionsOf = extensionsReader(streams);
    this.#limits = limits;
    this.#log = log;
    this.#executor = new CompiledExecutor(schema, new Limits(schema, limits));
    const executor: Plugin = { onExecute: ({ setExecuteFn }) => setExecuteFn((args) => this.#runFirst(args)) };
    this.#yoga = createYoga<object, Context>({
      schema,
      context: ({ params, isGone }: YogaInitialContext & RequestContext) => this.#contextOf(params, isGone),
      plugins: [boundedDocuments(!limits.introspection), executor],
      parserAndValidationCache: false,
      maskedErrors: { maskError: (error) => this.#toClientError(error) },
      graphiql: false,
      multipart: false,
      cors: false,
      logging: false,
    });
  }

  /** The answer to a POST of this text, if it is known and still true, and can be had in time. Its status is 200. */
  replay(text: string): Promise<string | Buffer | undefined> {
    const known = this.#replays.find(text);
    return known ? inTime(this.#limits.requestTimeoutMs, known, () => undefined) : NOT_KNOWN;
  }

  async answer(request: GraphqlRequest): Promise<GraphqlResponse> {
    const { isGone } = request;
    const context: RequestContext = { ...(isGone && { isGone }) };
    try {
      return await this.#answer(request, context);
    } finally {
      // what is still read for it is not wanted any more
      context.consistency?.end();
      context.leaveLine?.();
    }
  }

  async #answer(request: GraphqlRequest, context: RequestContext): Promise<GraphqlResponse> {
    const { method, text, params, accept, since } = request;
    const { requestTimeoutMs } = this.#limits;
    const left = since === undefined ? requestTimeoutMs : requestTimeoutMs - (performance.now() - since);
    const answered =
      left > 0
        ? await inTime(left, this.#execute(method, params, context), () => this.#tooLate(context))
        : this.#tooLate(context);
    const result = this.#limited(answered, (text ?? params.query ?? "").length, context);
    const { tellsCost, cost, consistency } = context;
    const report = "data" in answered ? consistency?.report : undefined;
    const extensions = { ...(tellsCost && { cost }), ...(report && { consistency: report }) };
    const response = processRegularResult(
      {
        ...result,
        ...(result.errors && { errors: limitErrors(result.errors) }),
        ...((tellsCost || report) && { extensions }),
      },
      plainResponses,
      accept,
    ) as unknown as PlainResponse;
    if (text !== undefined && consistency && !result.errors) this.#replays.keep(text, response.body, consistency);
    const { status, headers, body } = response;
    return { status, headers, body };
  }

  /** What is kept of requests: by the weights of each cache, and at most, in bytes. */
  get kept() {
    return { documents: this.#executor.kept, replays: this.#replays.kept };
  }

  async #execute(method: "GET" | "POST", params: GraphQLParams, context: RequestContext): Promise<ExecutionResult> {
    try {
      if (isPersistedQuery(params)) throw persistedQueryNotSupported();
      // what Yoga has let through before, it need not look at again
      const operation = this.#executor.find(params);
      if (!operation || (method === "GET" && !operation.isQuery)) {
        const request = { method } as Request;
        return (await this.#yoga.getResultForParams({ params, request }, context as never)) as ExecutionResult;
      }
      Object.assign(context, this.#contextOf(params, context.isGone));
      const result = await this.#run(operation, context, params.variables);
      return result.errors ? { ...result, errors: result.errors.map((error) => this.#toClientError(error)) } : result;
    } catch (error) {
      // thrown by what looks at the parameters and the limits, before anything is executed
      return { errors: [this.#toClientError(error)] };
    }
  }

  /** Runs an operation that Yoga has parsed and validated. */
  #runFirst(args: ExecutionArgs): ReturnType<Operation["run"]> {
    const { document, operationName, contextValue, variableValues } = args;
    const operation = this.#executor.prepare(document, operationName);
    // graphql has the words for what is missing
    if (!operation) return execute(args);
    return this.#run(operation, contextValue as RequestContext, variableValues, () =>
      this.#executor.keep(document, operationName, operation),
    );
  }

  /** @throws ServiceError `LIMIT_EXCEEDED`, `FORBIDDEN`; nothing has run then */
  #run(
    { admission, isQuery, run }: Operation,
    context: RequestContext,
    variables: ExecutionArgs["variableValues"],
    whenAdmitted?: () => void,
  ): ReturnType<Operation["run"]> {
    const cost = admission.costWith(variables);
    context.cost = cost;
    context.isQuery = isQuery;
    admission.require(cost);
    whenAdmitted?.();
    if (!this.#line.isHeavy(cost)) return run(context, variables);
    const { consistency } = context;
    return this.#line
      .enter(cost, () => consistency?.isWanted ?? true)
      .then((leave) => {
        context.leaveLine = leave;
        return run(context, variables);
      });
  }

  /** The answer, or that it is too long. */
  #limited(result: ExecutionResult, requestLength: number, context: RequestContext): ExecutionResult {
    const { answerBytes } = this.#limits;
    const { cost, isQuery, consistency } = context;
    if (isQuery && consistency?.isTooMuch) return { errors: [this.#toClientError(this.#tooMuch())] };
    if (!result.data || cost === undefined || !mayExceed(answerBytes, cost, requestLength)) return result;
    if (!exceeds(answerBytes, result.data)) return result;
    const tooLong = new LimitExceeded(
      isQuery
        ? `The answer would have more than ${answerBytes} bytes. Ask for less, or for it in pages.`
        : `The mutation ran; only its answer, which would have more than ${answerBytes} bytes, is left out.`,
      { limit: "answerBytes", max: answerBytes },
    );
    return { errors: [this.#toClientError(tooLong)] };
  }

  #tooLate({ consistency }: RequestContext): ExecutionResult {
    const error = this.#toClientError((consistency ?? new Consistency()).end());
    const extensions = { ...error.extensions, http: { status: 503 } };
    return { errors: [new GraphQLError(error.message, { extensions })] };
  }

  #contextOf({ extensions }: GraphQLParams, isGone: () => boolean = () => false): Context & RequestContext {
    const { atLeast, cost } = this.#extensionsOf(extensions);
    const { answerBytes } = this.#limits;
    const consistency = new Consistency(this.#streams, atLeast, {
      listBytes: answerBytes,
      tooMuch: this.#tooMuch,
      isGone,
    });
    return { handlers: this.#handlers, consistency, tellsCost: cost };
  }

  #toClientError(error: unknown): GraphQLError {
    return toClientError(error, this.#log);
  }
}

function tooMuch(max: number): LimitExceeded {
  return new LimitExceeded(`The request reads more than ${max} bytes. Ask for less of it at once.`, {
    limit: "answerBytes",
    max,
  });
}

const NOT_KNOWN = Promise.resolve(undefined);

/** What Yoga makes of a result, as plain values. */
class PlainResponse {
  readonly body: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(body: string, { status, headers }: { status: number; headers: Record<string, string> }) {
    this.body = body;
    this.status = status;
    this.headers = headers;
  }
}

const plainResponses = { Response: PlainResponse } as never;
