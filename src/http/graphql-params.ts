import { isPersistedQuery } from "../graphql/execution/extensions.ts";
import type { GraphqlRequest } from "../graphql/execution/request.ts";

/** Of a body that is a JSON object with a query, or the hash of one; what else it holds is GraphQL's concern. */
export function paramsOfBody(text: string): GraphqlRequest["params"] | undefined {
  // an encoder's byte order mark is no part of the JSON
  const params = parseJson(text.replace(/^\ufeff/, ""));
  return typeof params?.query === "string" || isPersistedQuery(params ?? {}) ? params : undefined;
}

/** Of a query string that holds a query or the hash of one, and JSON where JSON belongs. */
export function paramsOfSearch(search: URLSearchParams): GraphqlRequest["params"] | undefined {
  const query = search.get("query");
  const variables = parseJson(search.get("variables") || "null");
  const extensions = parseJson(search.get("extensions") || "null");
  if (variables === undefined || extensions === undefined) return undefined;
  if (!query && !isPersistedQuery({ extensions })) return undefined;
  const operationName = search.get("operationName");
  return { ...(query && { query }), variables, extensions, ...(operationName && { operationName }) };
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of a client's
function parseJson(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
