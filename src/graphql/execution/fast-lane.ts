import type { ExecutionResult } from "graphql";
import { OperationTypeNode } from "graphql";
import type { GraphQLParams } from "graphql-yoga";
import type { ToClientError } from "../errors.ts";
import { runAdmitted } from "./admitted-run.ts";
import type { CompiledExecutor, Operation } from "./compiled-executor.ts";
import type { HeavyLine } from "./heavy-line.ts";
import type { ContextOf, RequestContext } from "./request.ts";

/** The lane of operations that were executed before: what Yoga has let through, it need not look at again. */
export class FastLane {
  readonly #executor: CompiledExecutor;
  readonly #line: HeavyLine;
  readonly #contextOf: ContextOf;
  readonly #toClientError: ToClientError;

  constructor(options: {
    readonly executor: CompiledExecutor;
    readonly line: HeavyLine;
    readonly contextOf: ContextOf;
    readonly toClientError: ToClientError;
  }) {
    this.#executor = options.executor;
    this.#line = options.line;
    this.#contextOf = options.contextOf;
    this.#toClientError = options.toClientError;
  }

  /** The operation that is asked for, if this lane can execute it. */
  find(method: "GET" | "POST", params: GraphQLParams): Operation | undefined {
    const operation = this.#executor.find(params);
    return method === "GET" && operation?.kind !== OperationTypeNode.QUERY ? undefined : operation;
  }

  async execute(operation: Operation, params: GraphQLParams, context: RequestContext): Promise<ExecutionResult> {
    const { handlers, consistency, tellsCost } = this.#contextOf(params, context);
    context.handlers = handlers;
    context.consistency = consistency;
    context.tellsCost = tellsCost;
    const result = await runAdmitted(operation, context, params.variables, this.#line);
    if (!result.errors) return result;
    return { ...result, errors: result.errors.map((error) => this.#toClientError(error, context.names)) };
  }
}
