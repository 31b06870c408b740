import { type ExecutionResult, GraphQLError, type GraphQLSchema, type ParseOptions, parse } from "graphql";
import { createYoga, type GraphQLParams, type Plugin, processRegularResult } from "graphql-yoga";
import { LRUCache } from "lru-cache";
import type { Logger } from "pino";
import { z } from "zod";
import { Consistency } from "../cqrs/consistency.ts";
import type { Context } from "./builder.ts";
import { CompiledExecutor } from "./compiled-executor.ts";
import { limitErrors, toClientError } from "./errors.ts";
import { Replays } from "./replays.ts";

/** A document of more tokens is refused before it is parsed further. */
const MAX_TOKENS = 2000;
/** What all parsed documents that are kept may have together, in characters; one takes up to 50 bytes. */
const MAX_CHARACTERS = 1_000_000;

export const JSON_TYPE = "application/json";
export const GRAPHQL_RESPONSE_TYPE = "application/graphql-response+json";

/** A GraphQL request as it came over HTTP. */
export interface GraphqlRequest {
  /** Of a GET no mutation is run. */
  readonly method: "GET" | "POST";
  /** The body of a POST: the same text is the same request. */
  readonly text?: string;
  /** What was asked for. */
  readonly params: GraphQLParams;
  readonly accept: typeof JSON_TYPE | typeof GRAPHQL_RESPONSE_TYPE;
}

export interface GraphqlResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Runs GraphQL requests through Yoga, all but its HTTP side: requests and responses as the web platform has them cost
 * more than an execution does. Routes, limits and methods are the HTTP server's.
 */
export class Graphql {
  readonly #replays = new Replays();
  readonly #executor = new CompiledExecutor();
  readonly #yoga;
  readonly #handlers: Omit<Context, "consistency">;
  readonly #log: Logger;

  constructor(schema: GraphQLSchema, handlers: Omit<Context, "consistency">, log: Logger) {
    this.#handlers = handlers;
    this.#log = log;
    const executor: Plugin = { onExecute: ({ setExecuteFn }) => setExecuteFn(this.#executor.execute) };
    this.#yoga = createYoga<object, Context>({
      schema,
      context: ({ params }) => this.#contextOf(params),
      plugins: [limitedParser, executor],
      parserAndValidationCache: { documentCache: boundedCache(), errorCache: boundedCache() },
      maskedErrors: { maskError: (error) => this.#toClientError(error) },
      graphiql: false,
      multipart: false,
      cors: false,
      logging: false,
    });
  }

  /** The answer to a POST of this text, if it is known and still true. Its status is 200. */
  replay(text: string): Promise<string | Buffer | undefined> {
    return this.#replays.find(text);
  }

  async answer({ method, text, params, accept }: GraphqlRequest): Promise<GraphqlResponse> {
    const context = {} as { consistency?: Consistency };
    const result = await this.#execute(method, params, context);
    const report = context.consistency?.report;
    const { status, headers, body } = processRegularResult(
      {
        ...result,
        ...(result.errors && { errors: limitErrors(result.errors) }),
        ...(report && { extensions: { consistency: report } }),
      },
      plainResponses,
      accept,
    ) as unknown as PlainResponse;
    if (text !== undefined && context.consistency && !result.errors) {
      this.#replays.keep(text, body, context.consistency);
    }
    return { status, headers, body };
  }

  async #execute(method: "GET" | "POST", params: GraphQLParams, context: object): Promise<ExecutionResult> {
    // what Yoga has let through before, it need not look at again
    const operation = method === "POST" ? this.#executor.find(params) : undefined;
    try {
      if (!operation) {
        const request = { method } as Request;
        return (await this.#yoga.getResultForParams({ params, request }, context as never)) as ExecutionResult;
      }
      const result = await operation(Object.assign(context, this.#contextOf(params)), params.variables);
      return result.errors ? { ...result, errors: result.errors.map((error) => this.#toClientError(error)) } : result;
    } catch (error) {
      // thrown by what looks at the parameters, before anything is executed
      return { errors: [this.#toClientError(error)] };
    }
  }

  #contextOf({ extensions }: GraphQLParams): Context {
    return { ...this.#handlers, consistency: consistencyOf(extensions) };
  }

  #toClientError(error: unknown): GraphQLError {
    return toClientError(error, this.#log);
  }
}

/** Yoga's own is bounded by the number of documents, each of which may have the size of a body. */
function boundedCache<V extends object>(): LRUCache<string, V> {
  return new LRUCache({ maxSize: MAX_CHARACTERS, sizeCalculation: (_, document) => document.length + 1 });
}

const requested = z
  .object({ consistency: z.object({ atLeast: z.int().min(0).nullish() }).nullish() })
  .nullish()
  .transform((extensions) => extensions?.consistency?.atLeast ?? 0);

function consistencyOf(extensions: unknown): Consistency {
  if (extensions === undefined) return new Consistency();
  const result = requested.safeParse(extensions);
  if (result.success) return new Consistency(result.data);
  throw new GraphQLError("extensions.consistency.atLeast must be a non-negative whole number.", {
    extensions: { code: "BAD_USER_INPUT", http: { status: 400 } },
  });
}

const limitedParser: Plugin = {
  onParse({ setParseFn }) {
    setParseFn((source: string, options?: ParseOptions) => {
      try {
        return parse(source, { ...options, maxTokens: MAX_TOKENS });
      } catch (error) {
        // nesting exhausts the stack with fewer tokens than that
        throw error instanceof RangeError
          ? new GraphQLError("Syntax Error: The document is nested too deeply.")
          : error;
      }
    });
  },
};

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
