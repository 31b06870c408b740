import { hash } from "node:crypto";
import { GraphQLError } from "graphql";
import type { GraphQLParams } from "graphql-yoga";
import { LRUCache } from "lru-cache";

/** Which documents a request may name instead of sending them, and which it may send. */
export interface DocumentOptions {
  /** By their names; nothing else is answered then. */
  readonly trusted: ReadonlyMap<string, string> | undefined;
  /** Whether documents that were answered can be asked for again by their hashes. */
  readonly automatic: boolean;
}

/** What all kept documents may take together, in bytes, by the weights below. */
const MAX_BYTES = 8_000_000;
const ENTRY_BYTES = 600;
/** A text takes as many for each of its characters, unless it is all Latin. */
const CHARACTER_BYTES = 2;

/** How requests name a document: as the GraphQL over HTTP specification has it, and as Relay's do. */
export const DOCUMENT_NAMES: readonly string[] = ["documentId", "id", "doc_id"];

/** A request with its document. */
export interface Resolved {
  readonly params: GraphQLParams;
  /** To be called when the document has been found to be one that may be run: no other is kept. */
  readonly keep?: () => void;
}

/**
 * Finds the documents that requests name. Automatic ones are named by their SHA-256, by Apollo's protocol: who names one
 * that is not known sends it once with its hash. Trusted ones are named as their manifest does, whatever that is.
 */
export class PersistedDocuments {
  readonly #trusted: ReadonlyMap<string, string> | undefined;
  readonly #trustedTexts: ReadonlySet<string>;
  readonly #automatic: boolean;
  readonly #byHash = new LRUCache<string, string>({
    maxSize: MAX_BYTES,
    maxEntrySize: MAX_BYTES / 16,
    sizeCalculation: (text) => CHARACTER_BYTES * text.length + ENTRY_BYTES,
  });

  constructor({ trusted, automatic }: DocumentOptions) {
    this.#trusted = trusted;
    this.#trustedTexts = new Set(trusted?.values());
    this.#automatic = automatic;
  }

  /**
   * @throws GraphQLError `PERSISTED_QUERY_NOT_FOUND`, `PERSISTED_QUERY_NOT_SUPPORTED`, `DOCUMENT_NOT_ALLOWED`,
   * `BAD_USER_INPUT`
   */
  resolve(sent: GraphQLParams): Resolved {
    // most requests name none
    if (
      !this.#trusted &&
      sent.query &&
      !sent.extensions?.persistedQuery &&
      !("documentId" in sent || "id" in sent || "doc_id" in sent)
    ) {
      return { params: sent };
    }
    const name = nameIn({ ...sent });
    const { query, params } = withoutNames(sent);
    if (this.#trusted) return { params: { ...params, query: this.#trustedText(this.#trusted, name, query) } };
    if (name === undefined) return { params: query === undefined ? sent : { ...params, query } };
    if (this.#automatic) return this.#byItsHash(name, query, params);
    if (query) return { params };
    // Apollo's own words and status: its clients then send the document itself, and go on doing so
    throw new GraphQLError("PersistedQueryNotSupported", coded("PERSISTED_QUERY_NOT_SUPPORTED", 200));
  }

  /** What all that is kept takes by its weights, and may take, in bytes. */
  get kept(): { readonly bytes: number; readonly maxBytes: number } {
    return { bytes: this.#byHash.calculatedSize, maxBytes: MAX_BYTES };
  }

  #trustedText(trusted: ReadonlyMap<string, string>, name: string | undefined, query: string | undefined): string {
    const named = name === undefined ? query : (trusted.get(name) ?? trusted.get(withoutAlgorithm(name)));
    if (named !== undefined && this.#trustedTexts.has(named) && (query ?? named) === named) return named;
    throw new GraphQLError(
      "Only the documents of PERSISTED_DOCUMENTS are answered.",
      coded("DOCUMENT_NOT_ALLOWED", 403),
    );
  }

  #byItsHash(name: string, query: string | undefined, params: GraphQLParams): Resolved {
    const sha256 = withoutAlgorithm(name);
    if (!query) {
      const known = this.#byHash.get(sha256);
      if (known !== undefined) return { params: { ...params, query: known } };
      // these words, too, are Apollo's
      throw new GraphQLError("PersistedQueryNotFound", coded("PERSISTED_QUERY_NOT_FOUND", 200));
    }
    if (this.#byHash.get(sha256) === query) return { params };
    if (hash("sha256", query) !== sha256) {
      throw new GraphQLError("The hash is not the SHA-256 of the query.", coded("BAD_USER_INPUT", 400));
    }
    return { params, keep: () => this.#byHash.set(sha256, query) };
  }
}

/** Whether a request names its document in place of sending it. */
export function namesDocument(params: Readonly<Record<string, unknown>>): boolean {
  const { query, extensions } = params;
  const hashed = (extensions as { persistedQuery?: unknown } | null | undefined)?.persistedQuery != null;
  return query == null && (hashed || DOCUMENT_NAMES.some((name) => typeof params[name] === "string"));
}

/** The name of the document, where there is one; of several all must be the same. */
function nameIn(params: Readonly<Record<string, unknown>>): string | undefined {
  const names = DOCUMENT_NAMES.filter((name) => params[name] != null).map((name) => params[name]);
  const persisted = (params.extensions as { persistedQuery?: unknown } | null | undefined)?.persistedQuery;
  if (persisted != null) {
    const { version, sha256Hash } = persisted as { version?: unknown; sha256Hash?: unknown };
    if (version !== 1 || typeof sha256Hash !== "string") {
      const expected = 'extensions.persistedQuery must be {"version": 1, "sha256Hash": "…"}.';
      throw new GraphQLError(expected, coded("BAD_USER_INPUT", 400));
    }
    names.push(sha256Hash);
  }
  const [name] = names;
  if (names.some((other) => typeof other !== "string" || other !== name)) {
    throw new GraphQLError(
      `A document is named by one text: ${DOCUMENT_NAMES.join(", ")} or a hash.`,
      coded("BAD_USER_INPUT", 400),
    );
  }
  return name as string | undefined;
}

function withoutNames(sent: GraphQLParams): { query: string | undefined; params: GraphQLParams } {
  const { documentId, id, doc_id, ...params } = sent as GraphQLParams & Record<string, unknown>;
  return { query: sent.query || undefined, params };
}

/** The specification has hashes say what they are: `sha256:` and the hash. */
function withoutAlgorithm(name: string): string {
  return name.startsWith("sha256:") ? name.slice("sha256:".length) : name;
}

function coded(code: string, status: number) {
  return { extensions: { code, http: { status } } };
}
