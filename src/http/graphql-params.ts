import { DOCUMENT_NAMES, namesDocument } from "../graphql/execution/persisted-documents.ts";
import type { GraphqlRequest } from "../graphql/execution/request.ts";

/** Of a body that is a JSON object with a query, or the name of one; what else it holds is GraphQL's concern. */
export function paramsOfBody(text: string): GraphqlRequest["params"] | undefined {
  // an encoder's byte order mark is no part of the JSON
  const params = parseJson(text.replace(/^\ufeff/, ""));
  return typeof params?.query === "string" || namesDocument(params ?? {}) ? params : undefined;
}

/** Of a query string that holds a query or the name of one, and JSON where JSON belongs. */
export function paramsOfSearch(text: string): GraphqlRequest["params"] | undefined {
  const search = new URLSearchParams(text);
  const query = search.get("query");
  const variables = parseJson(search.get("variables") || "null");
  const extensions = parseJson(search.get("extensions") || "null");
  if (variables === undefined || extensions === undefined) return undefined;
  const names = namesIn(search);
  if (!query && !namesDocument({ ...names, extensions })) return undefined;
  const operationName = search.get("operationName");
  const params = { ...names, ...(query && { query }), variables, extensions, ...(operationName && { operationName }) };
  // copied: a part of a text keeps all of it, and the document may be kept
  return JSON.parse(JSON.stringify(params));
}

/** By what the document is named, where it is. */
function namesIn(search: URLSearchParams): Record<string, string> {
  return Object.fromEntries([...search].filter(([name]) => DOCUMENT_NAMES.includes(name)));
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of a client's
function parseJson(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
