import { ApolloClient, InMemoryCache, ServerError } from "@apollo/client";
import { BatchHttpLink } from "@apollo/client/link/batch-http";
import { expect, onTestFinished, test } from "vitest";
import { consistentFetch } from "../../../examples/consistent-fetch.ts";
import { eventually } from "../../support/wait.ts";
import { newService, newTitle, serviceAtHand } from "../service.ts";
import { catalogueClient, possibleTypes } from "./client.ts";
import { ADJUST_STOCK, BOOK_BY_TITLE, type Book, CHANGES, HISTORY, NODE, PAGE, type Page } from "./documents.ts";

async function openPage() {
  const { balancer, url, colleague } = await serviceAtHand();
  const client = catalogueClient(url);
  onTestFinished(() => client.stop());
  const bodies = () => balancer.asked.splice(0).map(({ body }) => JSON.parse(body));
  const addBook = async (stockQuantity: number): Promise<Book> => {
    const title = newTitle();
    const { data } = await colleague.addBook(title, { stockQuantity });
    return data.addBook;
  };
  const stockInCache = ({ title }: Book) =>
    client.readQuery({ query: BOOK_BY_TITLE, variables: { title } })?.book?.stockQuantity;
  return { balancer, url, colleague, client, bodies, addBook, stockInCache };
}

test("the types of the documented client are those of the schema", async () => {
  const { colleague } = await openPage();
  const { data } = await colleague.ask("{ __schema { types { kind name possibleTypes { name } } } }");
  const abstract = data.__schema.types
    .filter(({ kind }: { kind: string }) => kind === "INTERFACE")
    .map((type: { name: string; possibleTypes: { name: string }[] }) => [
      type.name,
      type.possibleTypes.map(({ name }) => name),
    ]);
  expect(Object.fromEntries(abstract)).toEqual(possibleTypes);
});

test("a write through one process is in the next read through the other, and in the cache before that", async () => {
  const { balancer, client, addBook, stockInCache } = await openPage();
  const book = await addBook(9);
  const variables = { title: book.title };
  await client.query({ query: BOOK_BY_TITLE, variables });
  await client.query({ query: BOOK_BY_TITLE, variables, fetchPolicy: "network-only" });
  for (let stock = 8; stock >= 4; stock--) {
    balancer.reset();
    const sale = { id: book.id, by: -1, idempotencyKey: `${book.title} ${stock}` };
    const { data } = await client.mutate({ mutation: ADJUST_STOCK, variables: sale });
    expect(data?.adjustStock).toMatchObject({ __typename: "Book", stockQuantity: stock });
    // it is one object of the cache, whatever has read it
    expect(stockInCache(book)).toBe(stock);
    const read = await client.query({ query: BOOK_BY_TITLE, variables, fetchPolicy: "network-only" });
    expect(read.data?.book).toMatchObject({ stockQuantity: stock });
    const [written, next] = balancer.asked.slice(-2);
    expect(next?.atLeast).toBe(`${(data?.adjustStock as Book | undefined)?.version}`);
    expect(next?.target).not.toBe(written?.target);
  }
});

test("a sale whose answer is lost is made once", async () => {
  const { balancer, client, addBook } = await openPage();
  const book = await addBook(9);
  await client.query({ query: BOOK_BY_TITLE, variables: { title: book.title } });
  await client.mutate({
    mutation: ADJUST_STOCK,
    variables: { id: book.id, by: -1, idempotencyKey: `known ${book.id}` },
  });
  balancer.fail("answer lost", "answer cut", "request lost");
  const sale = { id: book.id, by: -1, idempotencyKey: book.title };
  const { data } = await client.mutate({ mutation: ADJUST_STOCK, variables: sale });
  expect(data?.adjustStock).toMatchObject({ stockQuantity: 7 });
});

test("what is done at once by an optimistic answer is made good, or undone when it is refused", async () => {
  const { client, addBook, stockInCache } = await openPage();
  const book = await addBook(2);
  const { title, id } = book;
  await client.query({ query: BOOK_BY_TITLE, variables: { title } });
  const shown: unknown[] = [];
  client.watchQuery({ query: BOOK_BY_TITLE, variables: { title } }).subscribe(({ data }) => {
    shown.push((data?.book as Book | undefined)?.stockQuantity);
  });
  const sell = async (by: number) => {
    const optimisticResponse = { adjustStock: { ...book, stockQuantity: (stockInCache(book) ?? 0) + by } };
    const variables = { id, by, idempotencyKey: `${title} ${by}` };
    const { data } = await client.mutate({ mutation: ADJUST_STOCK, variables, optimisticResponse });
    return data?.adjustStock;
  };
  expect(await sell(-1)).toMatchObject({ __typename: "Book", stockQuantity: 1 });
  expect(await sell(-5)).toMatchObject({ __typename: "InsufficientStockError", code: "INSUFFICIENT_STOCK" });
  expect(stockInCache(book)).toBe(1);
  await eventually("it is undone on the page", () => shown.at(-1) === 1);
  expect(shown).toContain(-4);
});

test("pages become one list for each filter, by relayStylePagination", async () => {
  const { client, colleague } = await openPage();
  const prefix = newTitle();
  for (const n of [1, 2, 3, 4, 5]) await colleague.addBook(`${prefix} ${n}`);
  await colleague.addBook(`Another ${prefix}`);
  const list = client.watchQuery({ query: PAGE, variables: { prefix } });
  list.subscribe(() => {});
  const shown = () => list.getCurrentResult().data as Page | undefined;
  const titles = () => shown()?.booksConnection.edges.map(({ node }) => node.title.replace(prefix, ""));
  await eventually("the first page is there", () => titles()?.length === 2);
  for (const whole of [4, 5]) {
    await list.fetchMore({ variables: { after: shown()?.booksConnection.pageInfo.endCursor ?? null } });
    await eventually("the page is added", () => titles()?.length === whole);
    expect(titles()).toEqual([" 1", " 2", " 3", " 4", " 5"].slice(0, whole));
  }
  expect(shown()?.booksConnection).toMatchObject({ totalCount: 5, pageInfo: { hasNextPage: false } });
  const other = await client.query({ query: PAGE, variables: { prefix: `Another ${prefix}` } });
  expect(other.data?.booksConnection.edges).toHaveLength(1);
  expect(titles()).toHaveLength(5);
});

test("a colleague's change comes by the subscription into the cache, also after the connection was lost", async () => {
  const { balancer, client, colleague, addBook, stockInCache } = await openPage();
  const book = await addBook(5);
  await client.query({ query: BOOK_BY_TITLE, variables: { title: book.title } });
  const told: string[] = [];
  const live = client.subscribe({ query: CHANGES, variables: { since: book.version, id: book.id } });
  const listening = live.subscribe(({ data }) => {
    if (data?.bookChanges.after) told.push(`${data.bookChanges.kind} ${data.bookChanges.after.stockQuantity}`);
  });
  onTestFinished(() => listening.unsubscribe());
  for (const stock of [6, 7, 8]) {
    const { consistency } = await colleague.updateBook(book.title, { stockQuantity: stock });
    await eventually("the cache has it", () => stockInCache(book) === stock);
    balancer.reset();
    await client.query({ query: BOOK_BY_TITLE, variables: { title: book.title }, fetchPolicy: "network-only" });
    expect(Number(balancer.asked[0]?.atLeast)).toBeGreaterThanOrEqual(consistency.revision);
    if (stock === 7) balancer.cutSockets();
  }
  expect(told).toEqual(["UPDATED 6", "UPDATED 7", "UPDATED 8"]);
});

test("a document is sent until a process knows it, and from then on by its hash", async () => {
  const { balancer, colleague, client, bodies, addBook } = await openPage();
  const book = await addBook(1);
  // each process is told for itself
  balancer.lead(colleague.url);
  const ask = () => client.query({ query: NODE, variables: { id: book.id }, fetchPolicy: "network-only" });
  for (let again = 0; again < 3; again++) expect((await ask()).data?.node).toMatchObject({ title: book.title });
  const sent = bodies();
  expect(sent.map(({ query }) => query !== undefined)).toEqual([false, true, false, false]);
  expect(new Set(sent.map(({ extensions }) => extensions.persistedQuery.sha256Hash)).size).toBe(1);
});

test("history is kept out of the cache, where it would stand in the place of what is", async () => {
  const { client, colleague, addBook, stockInCache } = await openPage();
  const book = await addBook(3);
  await colleague.adjustStock(book.title, -1);
  await client.query({ query: BOOK_BY_TITLE, variables: { title: book.title } });
  const ask = { query: HISTORY, variables: { id: book.id } };
  const { data } = await client.query({ ...ask, fetchPolicy: "no-cache" });
  expect(data?.book?.history.nodes[0]?.before).toMatchObject({ stockQuantity: 3 });
  expect(stockInCache(book)).toBe(2);
});

test("a page forgets what it has shown when the database is another, and shows what there is", async () => {
  const { balancer, client, addBook, stockInCache } = await openPage();
  const book = await addBook(3);
  const shown: unknown[] = [];
  const variables = { title: book.title };
  client.watchQuery({ query: BOOK_BY_TITLE, variables }).subscribe(({ data, error }) => {
    shown.push(error ?? (data as { book: Book | null } | undefined)?.book);
  });
  await eventually("it is shown", () => stockInCache(book) === 3);
  balancer.lead((await newService()).url);
  const { data } = await client.query({ query: NODE, variables: { id: "Qm9vazox" }, fetchPolicy: "network-only" });
  expect(data).toEqual({ node: null });
  await eventually("the page shows that it is gone", () => shown.at(-1) === null);
  expect(shown.filter((one) => one instanceof Error)).toEqual([]);
});

test("the link that sends several requests as one is told that they are to be sent one by one", async () => {
  const { url, addBook } = await openPage();
  const link = new BatchHttpLink({ uri: url, fetch: consistentFetch(), batchMax: 2, batchInterval: 50 });
  const client = new ApolloClient({ link, cache: new InMemoryCache({ possibleTypes }) });
  const { title, id } = await addBook(1);
  const asked = [
    client.query({ query: BOOK_BY_TITLE, variables: { title } }),
    client.query({ query: NODE, variables: { id } }),
  ];
  for (const { reason } of (await Promise.allSettled(asked)) as PromiseRejectedResult[]) {
    expect(ServerError.is(reason) && JSON.parse(reason.bodyText).errors).toEqual([
      { message: "Requests are not taken in batches; send them one by one.", extensions: { code: "BAD_REQUEST" } },
    ]);
  }
});
