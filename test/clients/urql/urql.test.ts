import { gql, type TypedDocumentNode } from "@urql/core";
import { getIntrospectionQuery } from "graphql";
import { afterEach, beforeEach, expect, type MockInstance, onTestFinished, test, vi } from "vitest";
import { eventually } from "../../support/wait.ts";
import { newTitle, serviceAtHand } from "../service.ts";
import { catalogueClient } from "./client.ts";

interface Book {
  readonly __typename: string;
  readonly id: string;
  readonly title: string;
  readonly stockQuantity: number;
  readonly version: number;
}

/** Graphcache says on the console what it cannot make sense of. */
let complaints: MockInstance[];
beforeEach(() => {
  complaints = [vi.spyOn(console, "warn"), vi.spyOn(console, "error")];
});
afterEach(() => {
  for (const spy of complaints) expect(spy.mock.calls).toEqual([]);
  vi.restoreAllMocks();
});

async function openPage() {
  const { balancer, url, colleague } = await serviceAtHand();
  const { data: schema } = await colleague.ask(getIntrospectionQuery());
  const lost: object[] = [];
  const client = catalogueClient(url, schema, () => lost.push({}));
  const addBook = async (stockQuantity: number): Promise<Book> =>
    (await colleague.addBook(newTitle(), { stockQuantity })).data.addBook;
  const stockInCache = ({ title }: Book) =>
    client.readQuery(BOOK_BY_TITLE, { title }, { requestPolicy: "cache-only" })?.data?.book?.stockQuantity;
  return { balancer, client, colleague, addBook, stockInCache };
}

const BOOK_BY_TITLE: TypedDocumentNode<{ book: Book | null }, { title: string }> = gql`
  query BookByTitle($title: String!) { book(title: $title) { __typename id title stockQuantity version } }
`;
const PAGE: TypedDocumentNode<
  {
    booksConnection: {
      totalCount: number;
      edges: { node: Book }[];
      pageInfo: { endCursor: string | null; hasNextPage: boolean };
    } | null;
  },
  { prefix: string; after?: string }
> = gql`
  query Page($prefix: String!, $after: String) {
    booksConnection(first: 2, after: $after, filter: { titleStartsWith: $prefix }) {
      totalCount edges { cursor node { id title } } pageInfo { endCursor hasNextPage }
    }
  }
`;
const ADJUST_STOCK: TypedDocumentNode<{ adjustStock: Book & { code?: string } }, object> = gql`
  mutation AdjustStock($id: ID!, $by: Int!, $idempotencyKey: String!) {
    adjustStock(id: $id, by: $by, idempotencyKey: $idempotencyKey) {
      __typename
      ... on Book { id title stockQuantity version }
      ... on Error { code message }
      ... on ValidationError { fieldErrors { field code message } }
      ... on InsufficientStockError { available }
    }
  }
`;
const CHANGES: TypedDocumentNode<{ bookChanges: { kind: string; after: Book | null } }, { since: number; id: string }> =
  gql`
  subscription Changes($since: Revision, $id: ID) {
    bookChanges(since: $since, id: $id) { kind revision after { id title stockQuantity version } }
  }
`;
const EVERYTHING = gql`
  query Everything($title: String!) {
    book(title: $title) { id history(first: 3) { nodes { revision kind before { stockQuantity } after { stockQuantity } } } }
    bookEditForm(title: $title) { mutation book { id title } fields { name value } jsonSchema uiSchema formData }
    booksConnection(first: 1) { edges { node { id } } facets { isExact authors { value count } inStock { value count } } }
  }
`;

test("a write through one process is in the next read through the other, and in the cache before that", async () => {
  const { balancer, client, addBook, stockInCache } = await openPage();
  const book = await addBook(9);
  const { title, id } = book;
  for (let stock = 8; stock >= 4; stock--) {
    await client.query(BOOK_BY_TITLE, { title }, { requestPolicy: "network-only" });
    balancer.reset();
    const { data } = await client.mutation(ADJUST_STOCK, { id, by: -1, idempotencyKey: `${title} ${stock}` });
    expect(data?.adjustStock).toMatchObject({ __typename: "Book", stockQuantity: stock });
    expect(stockInCache(book)).toBe(stock);
    const read = await client.query(BOOK_BY_TITLE, { title }, { requestPolicy: "network-only" });
    expect(read.data?.book).toMatchObject({ stockQuantity: stock });
    const [written, next] = balancer.asked;
    expect(next?.atLeast).toBe(`${data?.adjustStock.version}`);
    expect(next?.target).not.toBe(written?.target);
  }
});

test("a sale whose answer is lost is made once, and one that is refused changes nothing in the cache", async () => {
  const { balancer, client, addBook, stockInCache } = await openPage();
  const book = await addBook(2);
  const { title, id } = book;
  await client.query(BOOK_BY_TITLE, { title });
  balancer.fail("answer lost", "answer cut", "request lost");
  const sold = await client.mutation(ADJUST_STOCK, { id, by: -1, idempotencyKey: title });
  expect(sold.data?.adjustStock).toMatchObject({ stockQuantity: 1 });
  const refused = await client.mutation(ADJUST_STOCK, { id, by: -5, idempotencyKey: `${title} 5` });
  expect(refused.data?.adjustStock).toMatchObject({ __typename: "InsufficientStockError", code: "INSUFFICIENT_STOCK" });
  expect(stockInCache(book)).toBe(1);
});

test("pages become one list, by relayPagination", async () => {
  const { client, colleague } = await openPage();
  const prefix = newTitle();
  for (const n of [1, 2, 3, 4, 5]) await colleague.addBook(`${prefix} ${n}`);
  let after: string | undefined;
  for (const whole of [2, 4, 5]) {
    const { data } = await client.query(PAGE, { prefix, ...(after !== undefined && { after }) });
    const { edges = [], pageInfo } = data?.booksConnection ?? {};
    expect(edges.map(({ node }) => node.title)).toEqual([1, 2, 3, 4, 5].slice(0, whole).map((n) => `${prefix} ${n}`));
    after = pageInfo?.endCursor ?? undefined;
  }
});

test("a colleague's change comes by the subscription into the cache", async () => {
  const { client, colleague, addBook, stockInCache } = await openPage();
  const book = await addBook(5);
  await client.query(BOOK_BY_TITLE, { title: book.title });
  const told: string[] = [];
  const live = client.subscription(CHANGES, { since: book.version, id: book.id });
  const { unsubscribe } = live.subscribe(({ data }) => {
    if (data?.bookChanges.after) told.push(`${data.bookChanges.kind} ${data.bookChanges.after.stockQuantity}`);
  });
  onTestFinished(unsubscribe);
  for (const stock of [6, 7]) {
    await colleague.updateBook(book.title, { stockQuantity: stock });
    await eventually("the cache has it", () => stockInCache(book) === stock);
  }
  expect(told).toEqual(["UPDATED 6", "UPDATED 7"]);
});

test("all that has no id of its own is kept without a complaint, and history leaves the book as it is", async () => {
  const { client, colleague, addBook, stockInCache } = await openPage();
  const book = await addBook(3);
  await colleague.adjustStock(book.title, -1);
  await client.query(BOOK_BY_TITLE, { title: book.title });
  const { data, error } = await client.query(EVERYTHING, { title: book.title });
  expect(error).toBeUndefined();
  expect(data.book.history.nodes).toMatchObject([
    { before: { stockQuantity: 3 }, after: { stockQuantity: 2 } },
    { before: null, after: { stockQuantity: 3 } },
  ]);
  expect(data.bookEditForm.formData).toMatchObject({ title: book.title });
  expect(stockInCache(book)).toBe(2);
});
