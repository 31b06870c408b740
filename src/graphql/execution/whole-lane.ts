import { type ExecutionArgs, type ExecutionResult, execute, type GraphQLSchema, OperationTypeNode } from "graphql";
import { createYoga, type GraphQLParams, type Plugin, type YogaInitialContext } from "graphql-yoga";
import type { Context } from "../builder.ts";
import type { ToClientError } from "../errors.ts";
import { runAdmitted } from "./admitted-run.ts";
import type { CompiledExecutor, Operation } from "./compiled-executor.ts";
import { boundedDocuments } from "./documents.ts";
import type { HeavyLine } from "./heavy-line.ts";
import type { ContextOf, RequestContext } from "./request.ts";
import { notCarried } from "./subscriptions.ts";

/**
 * The lane of operations that are seen first: through Yoga, all but its HTTP side, since requests and responses as the
 * web platform has them cost more than an execution does.
 */
export class WholeLane {
  readonly #yoga;
  readonly #executor: CompiledExecutor;
  readonly #line: HeavyLine;
  readonly #toClientError: ToClientError;

  constructor(options: {
    readonly schema: GraphQLSchema;
    /** Where it keeps what it has executed, for the fast lane. */
    readonly executor: CompiledExecutor;
    readonly line: HeavyLine;
    readonly contextOf: ContextOf;
    readonly toClientError: ToClientError;
    readonly hidesSchema: boolean;
  }) {
    const { schema, executor, line, contextOf, toClientError, hidesSchema } = options;
    this.#toClientError = toClientError;
    this.#executor = executor;
    this.#line = line;
    const running: Plugin = {
      onExecute: ({ setExecuteFn }) => setExecuteFn((args) => this.#run(args)),
      onSubscribe: () => {
        throw notCarried(OperationTypeNode.SUBSCRIPTION);
      },
    };
    this.#yoga = createYoga<object, Context>({
      schema,
      context: (initial: YogaInitialContext & Partial<RequestContext>) => contextOf(initial.params, initial),
      plugins: [boundedDocuments(hidesSchema), running],
      parserAndValidationCache: false,
      // below, where it is known whose they are
      maskedErrors: false,
      graphiql: false,
      multipart: false,
      cors: false,
      logging: false,
    });
  }

  async execute(method: "GET" | "POST", params: GraphQLParams, context: RequestContext): Promise<ExecutionResult> {
    const request = { method } as Request;
    const result = (await this.#yoga.getResultForParams({ params, request }, context as never)) as ExecutionResult;
    if (!result.errors) return result;
    return { ...result, errors: result.errors.map((error) => this.#toClientError(error, context.names)) };
  }

  /** Runs an operation that Yoga has parsed and validated. */
  #run(args: ExecutionArgs): ReturnType<Operation["run"]> {
    const { document, operationName, contextValue, variableValues } = args;
    const operation = this.#executor.prepare(document, operationName);
    // graphql has the words for what is missing
    if (!operation) return execute(args);
    return runAdmitted(operation, contextValue as RequestContext, variableValues, this.#line, () =>
      this.#executor.keep(document, operationName, operation),
    );
  }
}
