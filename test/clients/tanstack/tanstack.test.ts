import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { InfiniteQueryObserver, MutationObserver, QueryObserver } from "@tanstack/query-core";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../support/wait.ts";
import { newService, newTitle, serviceAtHand } from "../service.ts";
import { adviceOn } from "./advice.ts";
import { CatalogueError, catalogueClient } from "./client.ts";
import { ADD_BOOK, ADJUST_STOCK, BOOK, CHANGES, DELETE_BOOK, PAGE, UPDATE_BOOK } from "./documents.ts";
import { wordsOnAdding, wordsOnChange, wordsOnDeleting, wordsOnSelling, wordsOnUpdating } from "./words.ts";

async function openPage() {
  const { balancer, url, colleague } = await serviceAtHand();
  return { balancer, url, colleague, ...catalogueClient(url) };
}

let keys = 0;
const newKey = () => `${newTitle()} ${keys++}`;

test("a write through one process is in the next read through the other", async () => {
  const { balancer, queries, request } = await openPage();
  const title = newTitle();
  const read = () =>
    queries.fetchQuery({ queryKey: ["book", title], queryFn: ({ signal }) => request(BOOK, { title }, signal) });
  expect((await read()).book).toBeNull();
  const adding = new MutationObserver(queries, {
    mutationFn: (stockQuantity: number) =>
      request(ADD_BOOK, { input: { title, author: "A", stockQuantity }, idempotencyKey: title }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["book", title] }),
  });
  const { addBook } = await adding.mutate(9);
  if (addBook.__typename !== "Book") throw new Error(addBook.message);
  const { id } = addBook;
  for (let stock = 8; stock >= 4; stock--) {
    balancer.reset();
    const { adjustStock } = await request(ADJUST_STOCK, { id, by: -1, idempotencyKey: newKey() });
    if (adjustStock.__typename !== "Book") throw new Error(adjustStock.message);
    expect((await read()).book).toMatchObject({ stockQuantity: stock, version: adjustStock.version });
    const [written, next] = balancer.asked;
    expect(next?.atLeast).toBe(`${adjustStock.version}`);
    expect(next?.target).not.toBe(written?.target);
  }
});

test("a sale whose answer is lost is made once", async () => {
  const { balancer, colleague, request } = await openPage();
  const { id } = (await colleague.addBook(newTitle(), { stockQuantity: 9 })).data.addBook;
  balancer.fail("answer lost", "answer cut", "request lost");
  const { adjustStock } = await request(ADJUST_STOCK, { id, by: -1, idempotencyKey: newKey() });
  expect(wordsOnSelling(adjustStock)).toBe("Noch 8.");
});

test("a page forgets what it has shown when the database is another, and shows what there is", async () => {
  const { balancer, colleague, queries, request } = await openPage();
  const title = newTitle();
  await colleague.addBook(title);
  const observer = new QueryObserver(queries, {
    queryKey: ["book", title],
    queryFn: ({ signal }) => request(BOOK, { title }, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  onTestFinished(observer.subscribe(() => {}));
  await eventually("it is shown", () => observer.getCurrentResult().data?.book?.title === title);
  balancer.lead((await newService()).url);
  const other = queries.fetchQuery({
    queryKey: ["book", "another"],
    queryFn: ({ signal }) => request(BOOK, { title: "another" }, signal),
  });
  expect((await other).book).toBeNull();
  await eventually("the page shows that it is gone", () => observer.getCurrentResult().data?.book === null);
});

test("pages follow one another without end", async () => {
  const { colleague, queries, request } = await openPage();
  const prefix = newTitle();
  for (const n of [1, 2, 3, 4, 5]) await colleague.addBook(`${prefix} ${n}`);
  const pages = new InfiniteQueryObserver(queries, {
    queryKey: ["books", prefix],
    queryFn: ({ pageParam, signal }) =>
      request(PAGE, { filter: { titleStartsWith: prefix }, after: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: ({ booksConnection }) =>
      booksConnection?.pageInfo.hasNextPage ? booksConnection.pageInfo.endCursor : undefined,
  });
  for (;;) {
    const { data, hasNextPage } = await pages.fetchNextPage();
    if (hasNextPage) continue;
    const titles = data?.pages.flatMap(({ booksConnection }) => booksConnection?.nodes.map(({ title }) => title));
    expect(titles).toEqual([1, 2, 3, 4, 5].map((n) => `${prefix} ${n}`));
    return;
  }
});

test("each outcome has its words, and each error its code", async () => {
  const { request } = await openPage();
  const title = newTitle();
  const add = (input: object) =>
    request(ADD_BOOK, { input: { title, author: "A", ...input }, idempotencyKey: newKey() });
  const { addBook } = await add({});
  const { id, version } = addBook as { id: string; version: number };
  const other = await add({ title: `${title} 2` });
  const otherId = (other.addBook as { id: string }).id;
  expect(wordsOnAdding(addBook)).toBe(`${title} ist im Katalog.`);
  expect(wordsOnAdding((await add({})).addBook)).toBe(`${title} gibt es schon.`);
  const long = await add({ title: "x".repeat(513), isbn: "1", stockQuantity: -1 });
  expect(wordsOnAdding(long.addBook)).toBe(
    "title: Höchstens 512 Zeichen. isbn: Das hat nicht die richtige Form. stockQuantity: Mindestens 0.",
  );
  const update = (idOf: string, input: object) => request(UPDATE_BOOK, { id: idOf, input, idempotencyKey: newKey() });
  expect(wordsOnUpdating((await update(id, { stockQuantity: 2 })).updateBook)).toBe(`${title} ist gespeichert.`);
  const stale = await update(id, { stockQuantity: 3, expectedVersion: version });
  expect(wordsOnUpdating(stale.updateBook)).toBe(`${title} wurde inzwischen geändert.`);
  expect(wordsOnUpdating((await update(otherId, { title })).updateBook)).toBe(`${title} gibt es schon.`);
  const sold = await request(ADJUST_STOCK, { id, by: -3, idempotencyKey: newKey() });
  expect(wordsOnSelling(sold.adjustStock)).toBe("Nur noch 2.");
  const remove = (expectedVersion: number | null) =>
    request(DELETE_BOOK, { id, expectedVersion, idempotencyKey: newKey() });
  expect(wordsOnDeleting((await remove(version)).deleteBook)).toBe(`${title} wurde inzwischen geändert.`);
  expect(wordsOnDeleting((await remove(null)).deleteBook)).toBe(`${title} ist gelöscht.`);
  expect(wordsOnDeleting((await remove(null)).deleteBook)).toBe("Das Buch gibt es nicht mehr.");
  const { changes } = await request(CHANGES, { after: version - 1 });
  expect(changes?.slice(0, 1).map(wordsOnChange)).toEqual(["neu"]);

  const refused = await request(CHANGES, { after: -1 }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(CatalogueError);
  expect(adviceOn((refused as CatalogueError).code)).toBe("report it");
});

test("a member that is left out does not compile, whichever it is", async () => {
  const here = fileURLToPath(new URL(".", import.meta.url));
  mkdirSync(`${here}generated/missing`, { recursive: true });
  const made: { file: string; line: string }[] = [];
  for (const name of ["advice", "words"]) {
    const whole = readFileSync(`${here}${name}.ts`, "utf8").replaceAll('"./generated/', '"../');
    writeFileSync(`${here}generated/missing/whole-${name}.ts`, whole);
    const lines = whole.split("\n");
    for (const [at, line] of lines.entries()) {
      if (!/^ {4}case "/.test(line)) continue;
      const file = `without-${name}-${at}.ts`;
      // its own words go with it, unless others share them
      const isAlone = !lines[at - 1]?.includes("case") && !lines[at + 1]?.includes("case");
      const rest = lines.filter((_, i) => i !== at && !(isAlone && i === at + 1));
      made.push({ file, line });
      writeFileSync(`${here}generated/missing/${file}`, rest.join("\n"));
    }
  }
  expect(made.length).toBeGreaterThan(50);
  const config = { extends: "../../tsconfig.json", include: ["*.ts"] };
  writeFileSync(`${here}generated/missing/tsconfig.json`, JSON.stringify(config));
  const output = await new Promise<string>((resolve) => {
    execFile("../../../node_modules/.bin/tsc", ["-p", "generated/missing"], { cwd: here }, (_, stdout) =>
      resolve(stdout),
    );
  });
  rmSync(`${here}generated/missing`, { recursive: true });
  const compiled = made.filter(({ file }) => !output.includes(file));
  expect(compiled).toEqual([]);
  expect(output).not.toContain("whole-");
});
