import { type ExecutionArgs, execute, GraphQLError, type GraphQLSchema, type ParseOptions, parse } from "graphql";
import { createYoga, type Plugin } from "graphql-yoga";
import type { Logger } from "pino";
import { z } from "zod";
import { Consistency } from "../cqrs/consistency.ts";
import type { Context } from "./builder.ts";
import { limitErrors, toClientError } from "./errors.ts";

/** A document of more tokens is refused before it is parsed further. */
const MAX_TOKENS = 2000;
/** Each error about a variable repeats the variable's whole value before it is cut short, which takes its time. */
const MAX_COERCION_ERRORS = 10;

const requested = z
  .object({ consistency: z.object({ atLeast: z.int().min(0).nullish() }).nullish() })
  .nullish()
  .transform((extensions) => extensions?.consistency?.atLeast ?? 0);

/** Runs GraphQL requests. Routes, limits and methods are the HTTP server's. */
export function createGraphql(schema: GraphQLSchema, handlers: Omit<Context, "consistency">, log: Logger) {
  return createYoga<object, Context>({
    schema,
    context: ({ params }) => ({ ...handlers, consistency: consistencyOf(params.extensions) }),
    plugins: [limitedParser, limitedExecutor, reportConsistency],
    maskedErrors: { maskError: (error) => toClientError(error, log) },
    graphqlEndpoint: "/graphql",
    graphiql: false,
    landingPage: false,
    multipart: false,
    cors: false,
    // the HTTP server has limited the body already; doing it twice halves the throughput
    maxRequestBodySize: false,
    logging: false,
  });
}

function consistencyOf(extensions: unknown): Consistency {
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

const limitedExecutor: Plugin = {
  onExecute({ setExecuteFn }) {
    // Yoga's own executor has no such option
    setExecuteFn((args: ExecutionArgs) => execute({ ...args, options: { maxCoercionErrors: MAX_COERCION_ERRORS } }));
  },
};

const reportConsistency: Plugin<Context> = {
  onExecute: ({ args }) => ({
    onExecuteDone({ result, setResult }) {
      if (Symbol.asyncIterator in result) return;
      const consistency = args.contextValue.consistency.report;
      if (consistency) setResult({ ...result, extensions: { ...result.extensions, consistency } });
    },
  }),
  onResultProcess({ result, setResult }) {
    if (Array.isArray(result) || Symbol.asyncIterator in result || !result.errors) return;
    setResult({ ...result, errors: limitErrors(result.errors) });
  },
};
