import { type DocumentNode, GraphQLError, type GraphQLSchema } from "graphql";
import { LRUCache } from "lru-cache";
import { parseBounded, validateBounded } from "./documents.ts";

/** What all valid documents that are kept may take, in bytes: those of subscribers who come back are not looked at anew. */
const MAX_BYTES = 8_000_000;
/** A token with its part of the syntax tree; a document has 2,000 of them at most. */
const TOKEN_BYTES = 350;
const MAX_TOKENS = 2000;
const CHARACTER_BYTES = 4;

/** The documents by which clients subscribe. */
export class LiveDocuments {
  readonly #schema: GraphQLSchema;
  readonly #hidesSchema: boolean;
  readonly #kept = new LRUCache<string, DocumentNode>({
    maxSize: MAX_BYTES,
    sizeCalculation: (_, { length }) => CHARACTER_BYTES * length + TOKEN_BYTES * Math.min(length, MAX_TOKENS) + 1,
  });

  constructor(schema: GraphQLSchema, hidesSchema: boolean) {
    this.#schema = schema;
    this.#hidesSchema = hidesSchema;
  }

  /** A valid document, or what is wrong with it. */
  of(query: string): DocumentNode | readonly GraphQLError[] {
    const known = this.#kept.get(query);
    if (known) return known;
    const document = parsed(query);
    if (document instanceof GraphQLError) return [coded("GRAPHQL_PARSE_FAILED", document)];
    const errors = validateBounded(this.#schema, document, this.#hidesSchema);
    if (errors.length > 0) return errors.map((error) => coded("GRAPHQL_VALIDATION_FAILED", error));
    this.#kept.set(query, document);
    return document;
  }
}

function parsed(query: string): DocumentNode | GraphQLError {
  try {
    return parseBounded(query);
  } catch (error) {
    if (error instanceof GraphQLError) return error;
    throw error;
  }
}

function coded(code: string, error: GraphQLError): GraphQLError {
  error.extensions.code ??= code;
  return error;
}
