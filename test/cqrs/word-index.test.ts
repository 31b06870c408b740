import { execFile } from "node:child_process";
import { expect, onTestFinished, test } from "vitest";
import { BookEntity } from "../../src/books/book.ts";
import { bookFields } from "../../src/books/book-fields.ts";
import { bookStream } from "../../src/books/book-stream.ts";
import { checkDerived } from "../../src/cqrs/derived-check.ts";
import { withDefaults } from "../../src/graphql/fields.ts";
import { openBooks } from "../support/database/books.ts";
import { engine, newDatabase } from "../support/database/database.ts";
import { sqlOn } from "../support/database/sql.ts";
import { inherited } from "../support/service/environment.ts";
import { type Service, startService } from "../support/service/service.ts";

const SEARCH = `query Found($search: String!) { booksConnection(search: $search) { nodes { title } } }`;

async function found(service: Service, search: string): Promise<string[]> {
  const { data } = await service.ask(SEARCH, { variables: { search } });
  return data.booksConnection.nodes.map(({ title }: { title: string }) => title);
}

/** Runs `npm run search-index` to its end. */
function searchIndex(DATABASE_URL: string, ...args: string[]) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const command = ["src/operate/search-index.ts", ...args];
    execFile(process.execPath, command, { env: { ...inherited, DATABASE_URL } }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

async function openOrm(url: string) {
  const { orm } = await openBooks(url);
  onTestFinished(() => orm.close());
  return orm;
}

test("the index of words follows whoever writes", async () => {
  const { url } = await newDatabase();
  const service = await startService({ DATABASE_URL: url });
  const orm = await openOrm(url);

  // many commands at once are one transaction
  await Promise.all(["Red", "Green", "Blue", "Black"].map((title) => service.addBook(title, { author: "Émile" })));
  expect(await found(service, "emil")).toEqual(["Black", "Blue", "Green", "Red"]);
  await Promise.all([
    service.updateBook("Red", { title: "Crimson" }),
    service.updateBook("Green", { author: "Zoë" }),
    service.updateBook("Black", { stockQuantity: 1 }),
    service.deleteBook("Blue"),
  ]);
  expect(await found(service, "emil")).toEqual(["Black", "Crimson"]);
  expect(await found(service, "red")).toEqual([]);
  expect(await found(service, "zoe green")).toEqual(["Green"]);
  // two that take each other's title
  await service.updateBook("Crimson", { title: "Aside" });
  await service.updateBook("Black", { title: "Crimson" });
  await service.updateBook("Aside", { title: "Black" });
  expect(await found(service, "black emile")).toEqual(["Black"]);

  const at = "2001-02-03T04:05:06.789Z";
  const book = withDefaults(bookFields, { title: "White", author: "Orm" });
  await orm.create(BookEntity, { ...book, version: 7, addedAt: at, updatedAt: at });
  await orm.update(BookEntity, "Crimson", "title", { author: "Orm" });
  await orm.delete(BookEntity, "Green", "title");
  expect(await found(service, "orm")).toEqual(["Crimson", "White"]);
  expect(await found(service, "zoe")).toEqual([]);
  const failed = orm.transaction(async (tx) => {
    await tx.update(BookEntity, "White", "title", { title: "Grey" });
    throw new Error("no");
  });
  await expect(failed).rejects.toThrow("no");
  expect(await found(service, "grey")).toEqual([]);
  expect(await found(service, "white")).toEqual(["White"]);

  // a process of the version before deletes, and knows nothing of an index
  await sqlOn(url, "delete from book where title = 'White'");
  // not what was asked before: the revision is the same, as only such a process would leave it
  expect(await found(service, "whi")).toEqual([]);
  expect(await checkDerived(orm, bookStream)).toEqual({ rows: 2, stale: 0, differences: [] });
});

test("a command names what of the index differs, and makes it anew", async () => {
  const { url } = await newDatabase();
  const service = await startService({ DATABASE_URL: url });
  await Promise.all(["One", "Two", "Three"].map((title) => service.addBook(title, { author: "A" })));
  const [{ id: two }] = await sqlOn(url, "select id from book where title = 'Two'");
  await service.close();

  // the index misses a change, as only somebody can bring about who may change the database itself
  const change = `update book set title_words = ' nonsense ' where id = ${two}`;
  if (engine === "sqlite") {
    const [{ sql: trigger }] = await sqlOn(url, "select sql from sqlite_schema where name = 'book_words_update'");
    await sqlOn(url, "drop trigger book_words_update");
    await sqlOn(url, change);
    await sqlOn(url, trigger);
  } else {
    const hide = (ready: boolean) =>
      sqlOn(url, `update pg_index set indisready = ${ready} where indexrelid = 'book_words'::regclass`);
    await hide(false);
    await sqlOn(url, change);
    await hide(true);
  }
  const wrong = await searchIndex(url);
  expect(wrong).toMatchObject({ code: 1, stderr: "" });
  expect(wrong.stdout).toMatch(new RegExp(`^book ${two}: title_words\nbook ${two}: the index of words .*\n`));

  // a row that is stale is made anew, whatever the index thinks of it
  await sqlOn(url, `update book set folded_version = null where id = ${two}`);
  expect(await searchIndex(url, "--rebuild")).toEqual({
    code: 0,
    stdout: "books: the index of words was made anew.\nbooks: 3 rows, 0 differences.\n",
    stderr: "",
  });
  expect(await sqlOn(url, `select title_words from book where id = ${two}`)).toEqual([{ title_words: " two " }]);
});
