import { QueryClient } from "@tanstack/query-core";
import { consistentFetch } from "../../../examples/consistent-fetch.ts";
import type { ErrorCode, TypedDocumentString } from "./generated/graphql.ts";

/** Why a request was not answered. */
export class CatalogueError extends Error {
  readonly code: ErrorCode;

  constructor(message: string, code: ErrorCode) {
    super(message);
    this.code = code;
  }
}

export function catalogueClient(url: string) {
  const queries = new QueryClient();
  // to reset those in flight would fail the very request that has found out
  const forget = () => queries.resetQueries({ fetchStatus: "idle" });
  const fetched = consistentFetch(fetch, { onForgotten: forget });

  /** Sends a document, and fails with the first error where there is one. */
  async function request<Result, Variables>(
    document: TypedDocumentString<Result, Variables>,
    variables: Variables,
    signal?: AbortSignal,
  ): Promise<Result> {
    const answer = await fetched(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
      body: JSON.stringify({ query: document.toString(), variables }),
      signal: signal ?? null,
    });
    const { data, errors } = await answer.json();
    if (errors) throw new CatalogueError(errors[0].message, errors[0].extensions.code);
    return data;
  }

  return { queries, request };
}
