import { consistentFetch } from "../../examples/consistent-fetch.ts";

const fetched = consistentFetch();

const SELL = `mutation Sell($id: ID!, $by: Int!, $idempotencyKey: String!) {
  adjustStock(id: $id, by: $by, idempotencyKey: $idempotencyKey) {
    __typename
    ... on Book { stockQuantity }
    ... on Error { code message }
  }
}`;

/** Sells so many of a book. Whoever presses the button makes the key, once for each sale. */
export async function sell(url: string, id: string, count: number, idempotencyKey: string) {
  const answer = await fetched(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: SELL, variables: { id, by: -count, idempotencyKey } }),
  });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(errors[0].extensions.code);
  return data.adjustStock;
}
