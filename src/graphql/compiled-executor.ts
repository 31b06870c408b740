import {
  BREAK,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  visit,
} from "graphql";
import { type CompiledQuery, compileQuery, isCompiledQuery } from "graphql-jit";
import type { GraphQLParams } from "graphql-yoga";
import { LRUCache } from "lru-cache";

/** Each error about a variable repeats the variable's whole value before it is cut short, which takes its time. */
const MAX_COERCION_ERRORS = 10;

/** Compiling takes time by the selection, each fragment counted wherever it is spread: nested, a few make millions. */
const MAX_SELECTIONS = 200;

/** What all kept operations may take together, in characters of documents; one holds some 45 bytes of syntax tree. */
const MAX_CHARACTERS = 1_000_000;
/** What the code of one selection takes, in the same unit. */
const SELECTION_CHARACTERS = 130;

type Result = ExecutionResult | Promise<ExecutionResult>;

/** Runs one operation of one document. */
type Operation = (contextValue: unknown, variableValues: ExecutionArgs["variableValues"]) => Result;

/**
 * Executes operations. A query that comes again is compiled to code of its own, which takes 1 µs for six fields where
 * graphql's executor takes 25, if it is of the kind that graphql-jit answers exactly as that does.
 */
export class CompiledExecutor {
  /** By document and name. All documents have been validated, and have an operation of each name. */
  readonly #operations = new LRUCache<string, Map<string, Operation>>({ maxSize: MAX_CHARACTERS });

  /** Executes an operation of a document that was found to be valid. */
  readonly execute = (args: ExecutionArgs): Result => {
    const { document, operationName, contextValue, variableValues } = args;
    const text = document.loc?.source.body ?? "";
    const operations = this.#operations.get(text);
    if (operations) {
      const name = operationName ?? "";
      const operation = operations.get(name) ?? compile(args) ?? interpreted(args);
      operations.set(name, operation);
      return operation(contextValue, variableValues);
    }
    // most documents that are seen once are never seen again
    this.#operations.set(text, new Map(), { size: sizeOf(document, text) });
    return interpret(args);
  };

  /**
   * The operation that these parameters ask for, if it has been executed before: it need not be parsed, validated and
   * looked for again. Parameters that are unusual in any way are not looked up: they are refused by who knows how.
   */
  find({ query, operationName, variables, extensions, ...others }: GraphQLParams): Operation | undefined {
    if (!query || operationName === "" || Object.keys(others).length > 0) return undefined;
    if (!isObjectOrNone(variables) || !isObjectOrNone(extensions)) return undefined;
    return this.#operations.get(query)?.get(operationName ?? "");
  }
}

function isObjectOrNone(value: unknown): boolean {
  return value == null || (typeof value === "object" && !Array.isArray(value));
}

function interpreted({ schema, document, operationName }: ExecutionArgs): Operation {
  return (contextValue, variableValues) => interpret({ schema, document, operationName, contextValue, variableValues });
}

function interpret(args: ExecutionArgs): Result {
  return execute({ ...args, options: { maxCoercionErrors: MAX_COERCION_ERRORS } });
}

function compile(args: ExecutionArgs): Operation | null {
  const { schema, document, operationName } = args;
  const operation = getOperationAST(document, operationName);
  if (!operation || !isCompilable(operation, document)) return null;
  let compiled: CompiledQuery | object;
  try {
    compiled = compileQuery(schema, document, operationName ?? undefined);
  } catch {
    return null;
  }
  if (!isCompiledQuery(compiled)) return null;
  const { query } = compiled;
  const interpretInstead = interpreted(args);
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
function isCompilable(operation: OperationDefinitionNode, document: DocumentNode): boolean {
  return (
    operation.operation === "query" &&
    !operation.variableDefinitions?.some(
      ({ defaultValue, type }) => defaultValue && type.kind !== Kind.NON_NULL_TYPE,
    ) &&
    !document.loc?.source.body.includes("__proto__") &&
    !hasDirectives(document) &&
    selectionsIn(operation, document) <= MAX_SELECTIONS
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

/** How many selections `operation` comes to, counted no further than one more than may be compiled. */
function selectionsIn(operation: OperationDefinitionNode, { definitions }: DocumentNode): number {
  let count = 0;
  const countIn = ({ selections }: SelectionSetNode) => {
    for (const selection of selections) {
      if (++count > MAX_SELECTIONS) return;
      const within =
        selection.kind === Kind.FRAGMENT_SPREAD
          ? definitions.find((one) => one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === selection.name.value)
          : selection;
      if (within && "selectionSet" in within && within.selectionSet) countIn(within.selectionSet);
    }
  };
  countIn(operation.selectionSet);
  return count;
}

/** What a document and the code of all its operations take at most. */
function sizeOf(document: DocumentNode, text: string): number {
  const operations = document.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const selections = operations.reduce((sum, operation) => sum + selectionsIn(operation, document), 0);
  return text.length + SELECTION_CHARACTERS * selections;
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
