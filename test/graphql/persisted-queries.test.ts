import { expect, test } from "vitest";
import { startService } from "../support/service/service.ts";

const extensions = { persistedQuery: { version: 1, sha256Hash: "e".repeat(64) } };

test("a hash in place of a query is answered in the words that Apollo's clients understand", async () => {
  const service = await startService();
  const headers = { "content-type": "application/json" };
  const post = (body: object) => fetch(service.url, { method: "POST", headers, body: JSON.stringify(body) });
  const search = (parameters: Record<string, string>) => fetch(`${service.url}?${new URLSearchParams(parameters)}`);
  const asked = [
    post({ extensions, variables: { title: "A" }, operationName: "Book" }),
    post({ query: null, extensions }),
    search({ extensions: JSON.stringify(extensions), operationName: "Book" }),
    search({ query: "", extensions: JSON.stringify(extensions) }),
  ];
  for (const response of await Promise.all(asked)) {
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      errors: [{ message: "PersistedQueryNotSupported", extensions: { code: "PERSISTED_QUERY_NOT_SUPPORTED" } }],
    });
  }
  const query = "{ __typename }";
  const withQuery = [post({ query, extensions }), search({ query, extensions: JSON.stringify(extensions) })];
  for (const response of await Promise.all(withQuery)) {
    expect(await response.json()).toEqual({ data: { __typename: "Query" } });
  }
  const neither = [
    post({ extensions: {} }),
    post({ extensions: { persistedQuery: null } }),
    search({ extensions: "{}" }),
  ];
  for (const response of await Promise.all(neither)) {
    expect(response.status).toBe(400);
    expect((await response.json()).errors[0].extensions.code).toBe("BAD_REQUEST");
  }
});
