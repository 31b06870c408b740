import {
  BREAK,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  OperationTypeNode,
  visit,
} from "graphql";
import { type CompiledQuery, compileQuery, isCompiledQuery } from "graphql-jit";
import type { GraphQLParams } from "graphql-yoga";
import { LRUCache } from "lru-cache";
import type { Admission, Limits } from "./limits.ts";

/** Each error about a variable repeats the variable's whole value before it is cut short, which takes its time. */
export const MAX_COERCION_ERRORS = 10;

/** Compiling takes time by the selection, each fragment counted wherever it is spread. */
const MAX_SELECTIONS = 200;

/** What all kept operations may take together, in bytes, by the weights below, which are what a heap of them grows by. */
const MAX_BYTES = 32_000_000;
/** A token with its part of the syntax tree. */
const TOKEN_BYTES = 350;
/** The code of a selection that is compiled. */
const SELECTION_BYTES = 1800;
/** An operation with its entry. */
const OPERATION_BYTES = 2000;
/** A character stands in the text, and in the value of its token. */
const CHARACTER_BYTES = 4;

const PARAMETERS: ReadonlySet<string> = new Set(["query", "operationName", "variables", "extensions"]);

type Result = ExecutionResult | Promise<ExecutionResult>;

type Run = (contextValue: unknown, variableValues: ExecutionArgs["variableValues"]) => Result;

/** One operation of one document, within the limits or not. */
export interface Operation {
  readonly kind: OperationTypeNode;
  /** As its document has it. */
  readonly name: string | undefined;
  /** To be asked for each run, with its variables. */
  readonly admission: Admission;
  readonly run: Run;
}

interface KnownDocument {
  readonly document: DocumentNode;
  /** By name. Those that were asked for once wait to be compiled. */
  readonly operations: Map<string, { readonly operation: Operation; readonly isFinal: boolean }>;
}

/**
 * Executes operations. A query that comes again is compiled to code of its own, which takes 1 µs for six fields where
 * graphql's executor takes 25, if it is of the kind that graphql-jit answers exactly as that does.
 *
 * It keeps what it has executed: documents that are valid, and no others.
 */
export class CompiledExecutor {
  readonly #schema: GraphQLSchema;
  readonly #limits: Limits;
  readonly #documents = new LRUCache<string, KnownDocument>({
    maxSize: MAX_BYTES,
    maxEntrySize: MAX_BYTES / 16,
  });

  constructor(schema: GraphQLSchema, limits: Limits) {
    this.#schema = schema;
    this.#limits = limits;
  }

  /** An operation of a valid document, to be executed for the first time; undefined when it has none of this name. */
  prepare(document: DocumentNode, operationName: string | null | undefined): Operation | undefined {
    const node = getOperationAST(document, operationName);
    if (!node) return undefined;
    return {
      kind: node.operation,
      name: node.name?.value,
      admission: this.#limits.admit(document, node),
      run: interpreted({ schema: this.#schema, document, operationName: operationName ?? null }),
    };
  }

  /** Keeps what was prepared, for when it comes again. */
  keep(document: DocumentNode, operationName: string | null | undefined, operation: Operation): void {
    const text = document.loc?.source.body ?? "";
    const known = this.#documents.get(text) ?? { document, operations: new Map() };
    known.operations.set(operationName ?? "", { operation, isFinal: false });
    this.#documents.set(text, known, { size: sizeOf(known, text) });
  }

  /**
   * The operation that these parameters ask for, if it has been executed before: it need not be parsed, validated and
   * looked for again. Parameters that are unusual in any way are not looked up: they are refused by who knows how.
   */
  find(params: GraphQLParams): Operation | undefined {
    const { query, operationName, variables, extensions } = params;
    if (!query || operationName === "" || !isObjectOrNone(variables) || !isObjectOrNone(extensions)) return undefined;
    for (const name in params) if (!PARAMETERS.has(name)) return undefined;
    const known = this.#documents.get(query);
    const found = known?.operations.get(operationName ?? "");
    if (!known || !found || found.isFinal) return found?.operation;
    // most documents that are seen once are never seen again
    const { document } = known;
    const run = compile({ schema: this.#schema, document, operationName: operationName ?? null }, found.operation);
    const operation = run ? { ...found.operation, run } : found.operation;
    known.operations.set(operationName ?? "", { operation, isFinal: true });
    return operation;
  }

  /** What all that is kept takes by its weights, and may take, in bytes. */
  get kept(): { readonly bytes: number; readonly maxBytes: number } {
    return { bytes: this.#documents.calculatedSize, maxBytes: MAX_BYTES };
  }
}

function isObjectOrNone(value: unknown): boolean {
  return value == null || (typeof value === "object" && !Array.isArray(value));
}

function interpreted(args: ExecutionArgs): Run {
  return (contextValue, variableValues) =>
    execute({ ...args, contextValue, variableValues, options: { maxCoercionErrors: MAX_COERCION_ERRORS } });
}

function compile(args: ExecutionArgs, { kind, admission, run: interpretInstead }: Operation): Run | undefined {
  const { schema, document, operationName } = args;
  if (kind !== OperationTypeNode.QUERY || admission.selections > MAX_SELECTIONS || !isCompilable(args))
    return undefined;
  let compiled: CompiledQuery | object;
  try {
    compiled = compileQuery(schema, document, operationName ?? undefined);
  } catch {
    return undefined;
  }
  if (!isCompiledQuery(compiled)) return undefined;
  const { query } = compiled;
  return (contextValue, variableValues) => {
    const check = (result: ExecutionResult): Result => {
      if (!result.errors) return result;
      // not executed, for the variables are wrong, or not answered as the schema says: graphql has better words for both
      const isOurs = result.data !== undefined && result.errors.every(({ originalError }) => originalError);
      if (!isOurs) return interpretInstead(contextValue, variableValues);
      return { ...result, errors: result.errors.map((error) => placed(error, document)) };
    };
    const result = query(undefined, contextValue, variableValues) as Result;
    return result instanceof Promise ? result.then(check) : check(result);
  };
}

/**
 * Whether compiled code answers as graphql's executor does. As of graphql-jit 0.8.9 it does not when a mutation fails
 * (it goes on), for `@include` and `@skip` (conditions stick to fragments), when null is given for a variable with a
 * default, and for `__proto__`.
 */
function isCompilable({ document, operationName }: ExecutionArgs): boolean {
  const defined = getOperationAST(document, operationName)?.variableDefinitions ?? [];
  return (
    !defined.some(({ defaultValue, type }) => defaultValue && type.kind !== Kind.NON_NULL_TYPE) &&
    !document.loc?.source.body.includes("__proto__") &&
    !hasDirectives(document)
  );
}

function hasDirectives(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    Directive() {
      found = true;
      return BREAK;
    },
  });
  return found;
}

/** What a document and its operations take at most, compiled or not. */
function sizeOf({ document, operations }: KnownDocument, text: string): number {
  let bytes = CHARACTER_BYTES * text.length;
  // comments are no tokens for the parser, but they are kept like them
  for (let token = document.loc?.startToken; token; token = token.next ?? undefined) bytes += TOKEN_BYTES;
  for (const { operation } of operations.values()) {
    const { selections } = operation.admission;
    bytes += OPERATION_BYTES + (selections <= MAX_SELECTIONS ? selections * SELECTION_BYTES : 0);
  }
  return bytes;
}

/** Compiled code notes line and column alone, which an error does not keep when it is made into another. */
function placed({ message, locations, path, originalError }: GraphQLError, { loc }: DocumentNode): GraphQLError {
  const positions = loc && locations?.map(({ line, column }) => lineStart(loc.source.body, line) + column - 1);
  return new GraphQLError(message, {
    source: loc?.source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    originalError: originalError ?? null,
  });
}

/** Where line number `line` begins in `text`. */
function lineStart(text: string, line: number): number {
  let start = 0;
  for (const { index, 0: end } of text.matchAll(/\r\n|[\n\r]/g)) {
    if (line-- === 1) break;
    start = index + end.length;
  }
  return start;
}
