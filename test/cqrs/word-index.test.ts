import { expect, onTestFinished, test } from "vitest";
import { BookEntity } from "../../src/books/book.ts";
import { bookFields } from "../../src/books/book-fields.ts";
import { bookStream } from "../../src/books/book-stream.ts";
import { Findings } from "../../src/cqrs/doctor/findings.ts";
import { checkWords } from "../../src/cqrs/doctor/word-check.ts";
import { withDefaults } from "../../src/graphql/fields.ts";
import { openBooks } from "../support/database/books.ts";
import { engine, newDatabase } from "../support/database/database.ts";
import { sqlOn } from "../support/database/sql.ts";
import { type Service, startService } from "../support/service/service.ts";

const SEARCH = `query Found($search: String!) { booksConnection(search: $search) { nodes { title } } }`;

async function found(service: Service, search: string): Promise<string[]> {
  const { data } = await service.ask(SEARCH, { variables: { search } });
  return data.booksConnection.nodes.map(({ title }: { title: string }) => title);
}

async function openOrm(url: string) {
  const { orm } = await openBooks(url);
  onTestFinished(() => orm.close());
  return orm;
}

test("the index of words follows whoever writes", async () => {
  const { url } = await newDatabase();
  const service = await startService({ DATABASE_URL: url });
  // each book is in another part of the index
  if (engine === "postgresql") await sqlOn(url, "alter sequence book_id_seq increment by 5000");
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
  const findings = new Findings("books");
  await checkWords(orm, bookStream, findings);
  expect(findings.count).toBe(0);
});
