import {
  ConnectionHandler,
  commitMutation,
  createOperationDescriptor,
  fetchQuery,
  type GraphQLTaggedNode,
  getRequest,
  type MutationParameters,
  type OperationType,
  requestSubscription,
  type SelectorStoreUpdater,
} from "relay-runtime";
import { expect, inject, onTestFinished, test } from "vitest";
import { aroundTests } from "../../support/cleanup.ts";
import { startBalancer } from "../../support/network/balancer.ts";
import { startProcess } from "../../support/service/service-process.ts";
import { eventually } from "../../support/wait.ts";
import { newTitle, serviceAtHand } from "../service.ts";
import { catalogueEnvironment } from "./environment.ts";
import AddMutation, { type documentsAddMutation } from "./generated/documentsAddMutation.graphql.ts";
import BookQuery, { type documentsBookQuery } from "./generated/documentsBookQuery.graphql.ts";
import ChangesSubscription, {
  type documentsChangesSubscription,
} from "./generated/documentsChangesSubscription.graphql.ts";
import HistoryQuery, { type documentsHistoryQuery } from "./generated/documentsHistoryQuery.graphql.ts";
import PageQuery, { type documentsPageQuery } from "./generated/documentsPageQuery.graphql.ts";
import SellMutation, { type documentsSellMutation } from "./generated/documentsSellMutation.graphql.ts";

/** Processes that answer what the compiler has listed and nothing else. */
let trusting: readonly string[];
aroundTests(async () => {
  const PERSISTED_DOCUMENTS = new URL("./generated/persisted.json", import.meta.url).pathname;
  const start = () => startProcess({ ...inject("environment"), PERSISTED_DOCUMENTS });
  trusting = (await Promise.all([start(), start()])).map(({ url }) => url);
});

async function openPage() {
  const { colleague } = await serviceAtHand();
  const balancer = await startBalancer(...trusting);
  const open = () => catalogueEnvironment(balancer.url, () => {});
  const environment = open();
  const ask = <T extends OperationType>(query: GraphQLTaggedNode, variables: T["variables"], of = environment) =>
    fetchQuery<T>(of, query, variables, { fetchPolicy: "network-only" }).toPromise() as Promise<T["response"]>;
  const look = <T extends OperationType>(query: GraphQLTaggedNode, variables: T["variables"]) =>
    environment.lookup(createOperationDescriptor(getRequest(query), variables).fragment)
      .data as unknown as T["response"];
  const change = <T extends MutationParameters>(
    mutation: GraphQLTaggedNode,
    variables: T["variables"],
    updater?: SelectorStoreUpdater<T["response"]>,
  ) =>
    new Promise<T["response"]>((resolve, reject) => {
      commitMutation<T>(environment, {
        mutation,
        variables,
        updater: updater ?? null,
        onCompleted: resolve,
        onError: reject,
      });
    });
  const addBook = async (stockQuantity: number): Promise<{ id: string; title: string; version: number }> =>
    (await colleague.addBook(newTitle(), { stockQuantity })).data.addBook;
  const stockInStore = (title: string) => look<documentsBookQuery>(BookQuery, { title }).book?.stockQuantity;
  return { balancer, environment, open, colleague, ask, look, change, addBook, stockInStore };
}

test("a write through one process is in the next read through the other, and in the store before that", async () => {
  const { balancer, ask, change, addBook, stockInStore } = await openPage();
  const { id, title } = await addBook(9);
  for (let stock = 8; stock >= 4; stock--) {
    await ask<documentsBookQuery>(BookQuery, { title });
    balancer.reset();
    const sale = { id, by: -1, idempotencyKey: `${title} ${stock}` };
    const { adjustStock } = await change<documentsSellMutation>(SellMutation, sale);
    if (adjustStock.__typename !== "Book") throw new Error(adjustStock.__typename);
    expect(stockInStore(title)).toBe(stock);
    expect((await ask<documentsBookQuery>(BookQuery, { title })).book).toMatchObject({ stockQuantity: stock });
    const [written, next] = balancer.asked;
    expect(next?.atLeast).toBe(`${adjustStock.version}`);
    expect(next?.target).not.toBe(written?.target);
    // documents go by their names
    expect(JSON.parse(next?.body ?? "")).toEqual({ id: expect.stringMatching(/^[0-9a-f]{64}$/), variables: { title } });
  }
});

test("a sale whose answer is lost is made once, and one that is refused changes nothing in the store", async () => {
  const { balancer, ask, change, addBook, stockInStore } = await openPage();
  const { id, title } = await addBook(2);
  await ask<documentsBookQuery>(BookQuery, { title });
  balancer.fail("answer lost", "answer cut", "request lost");
  await change<documentsSellMutation>(SellMutation, { id, by: -1, idempotencyKey: title });
  expect(stockInStore(title)).toBe(1);
  const refused = await change<documentsSellMutation>(SellMutation, { id, by: -5, idempotencyKey: `${title} 5` });
  expect(refused.adjustStock).toEqual({ __typename: "InsufficientStockError", available: 1 });
  expect(stockInStore(title)).toBe(1);
});

test("pages become one list, to which a mutation adds a book, and one that is refused adds nothing", async () => {
  const { ask, look, change, colleague } = await openPage();
  const prefix = newTitle();
  for (const n of [1, 2, 3]) await colleague.addBook(`${prefix} ${n}`);
  const list = () => look<documentsPageQuery>(PageQuery, { prefix, first: 2, after: null }).booksConnection;
  const titles = () => list()?.edges.map(({ node }) => node.title.replace(prefix, ""));
  await ask<documentsPageQuery>(PageQuery, { prefix, first: 2, after: null });
  expect(titles()).toEqual([" 1", " 2"]);
  await ask<documentsPageQuery>(PageQuery, { prefix, first: 2, after: list()?.pageInfo.endCursor ?? null });
  expect(titles()).toEqual([" 1", " 2", " 3"]);
  expect(list()?.pageInfo.hasNextPage).toBe(false);

  const add = (title: string, idempotencyKey: string) =>
    change<documentsAddMutation>(AddMutation, { input: { title, author: "A" }, idempotencyKey }, (store) => {
      const added = store.getRootField("addBook");
      const connection = store.get(list()?.__id ?? "");
      // a refusal is no book
      if (!connection || added?.getType() !== "Book") return;
      ConnectionHandler.insertEdgeAfter(connection, ConnectionHandler.createEdge(store, connection, added, "BookEdge"));
    });
  const refused = await add(`${prefix} 3`, `${prefix} refused`);
  expect(refused.addBook).toMatchObject({ __typename: "TitleTakenError", code: "TITLE_TAKEN" });
  expect(titles()).toEqual([" 1", " 2", " 3"]);
  await add(`${prefix} 4`, `${prefix} added`);
  expect(titles()).toEqual([" 1", " 2", " 3", " 4"]);
});

test("a colleague's change comes by the subscription into the store, also after the connection was lost", async () => {
  const { balancer, environment, ask, colleague, addBook, stockInStore } = await openPage();
  const { id, title, version } = await addBook(5);
  await ask<documentsBookQuery>(BookQuery, { title });
  const told: (string | undefined)[] = [];
  const { dispose } = requestSubscription<documentsChangesSubscription>(environment, {
    subscription: ChangesSubscription,
    variables: { since: version, id },
    onNext: (change) => {
      if (change?.bookChanges.after) told.push(`${change.bookChanges.kind} ${change.bookChanges.after.stockQuantity}`);
    },
  });
  onTestFinished(dispose);
  for (const stock of [6, 7, 8]) {
    await colleague.updateBook(title, { stockQuantity: stock });
    await eventually("the store has it", () => stockInStore(title) === stock);
    if (stock === 7) balancer.cutSockets();
  }
  expect(told).toEqual(["UPDATED 6", "UPDATED 7", "UPDATED 8"]);
});

test("history is read into a store of its own, where it does not stand in the place of what is", async () => {
  const { open, ask, colleague, addBook, stockInStore } = await openPage();
  const { id, title } = await addBook(3);
  await colleague.adjustStock(title, -1);
  await ask<documentsBookQuery>(BookQuery, { title });
  const { book } = await ask<documentsHistoryQuery>(HistoryQuery, { id }, open());
  expect(book?.history.nodes[0]?.before).toEqual({ stockQuantity: 3 });
  expect(stockInStore(title)).toBe(2);
});
