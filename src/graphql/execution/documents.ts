import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type ParseOptions,
  parse,
  type SelectionSetNode,
  validate,
  visit,
} from "graphql";
import type { Plugin } from "graphql-yoga";

/** A document of more tokens is refused before it is parsed further. */
const MAX_TOKENS = 2000;
/** To place one error takes time by the lines before it: of a body full of lines, some milliseconds for each. */
const MAX_LINES = 5000;
/** To validate takes time by the pairs of fields that have one name where they stand, and of those within them. */
const MAX_REPEATED_FIELDS = 100;
/** Validation ends after so many errors; more are not shown. */
const MAX_VALIDATION_ERRORS = 20;

/**
 * Parses and validates with bounds that are counts, met before the work is done. The rules have theirs from graphql: half a
 * million comparisons of fields, 50,000 visits of fragments. Nothing is kept: what fails is as likely as not a new text each
 * time, and takes the more memory the more is wrong with it.
 */
export function boundedDocuments(hideSuggestions: boolean): Plugin {
  return {
    onParse: ({ setParseFn }) => setParseFn(parseBounded),
    onValidate: ({ setValidationFn }) =>
      setValidationFn((schema: GraphQLSchema, document: DocumentNode) =>
        validateBounded(schema, document, hideSuggestions),
      ),
  };
}

/** What is wrong with a document. */
export function validateBounded(
  schema: GraphQLSchema,
  document: DocumentNode,
  hideSuggestions: boolean,
): readonly GraphQLError[] {
  return notTooDeep("GRAPHQL_VALIDATION_FAILED", () =>
    repeatedFields(document) > MAX_REPEATED_FIELDS
      ? [new GraphQLError(`The document selects more than ${MAX_REPEATED_FIELDS} fields that are selected already.`)]
      : validate(schema, document, undefined, { maxErrors: MAX_VALIDATION_ERRORS, hideSuggestions }),
  );
}

/** @throws GraphQLError when it is no document, or longer or deeper than is parsed */
export function parseBounded(source: string, options?: ParseOptions): DocumentNode {
  if (hasMoreLines(source, MAX_LINES)) {
    throw new GraphQLError(`Syntax Error: The document has more than ${MAX_LINES} lines.`);
  }
  return notTooDeep("GRAPHQL_PARSE_FAILED", () => parse(source, { ...options, maxTokens: MAX_TOKENS }));
}

function hasMoreLines(text: string, lines: number): boolean {
  const end = /\r\n|[\n\r]/g;
  while (lines-- > 0) if (!end.test(text)) return false;
  return true;
}

/** How many fields have the name of one before them in their selection set. */
function repeatedFields(document: DocumentNode): number {
  let count = 0;
  visit(document, {
    SelectionSet({ selections }: SelectionSetNode) {
      const fields = selections.filter((selection) => selection.kind === Kind.FIELD);
      count += fields.length - new Set(fields.map(({ name, alias }) => (alias ?? name).value)).size;
    },
  });
  return count;
}

/** Nesting exhausts the stack with fewer tokens than are allowed, and so does going round in fragments. */
function notTooDeep<R>(code: string, work: () => R): R {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const prefix = code === "GRAPHQL_PARSE_FAILED" ? "Syntax Error: " : "";
    throw new GraphQLError(`${prefix}The document is nested too deeply.`, { extensions: { code } });
  }
}
