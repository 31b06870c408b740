import { expect, test } from "vitest";
import { BookEntity } from "../../src/books/book.ts";
import { bookFormat } from "../../src/books/book-format.ts";
import { openBooks } from "../support/database/books.ts";
import { newDatabase } from "../support/database/database.ts";
import { sqlOn } from "../support/database/sql.ts";

test("a book that the first version adds has in the table what the format makes of it", async () => {
  const { url } = await newDatabase();
  const { orm } = await openBooks(url);
  try {
    await sqlOn(url, "insert into book (title, author, stock_quantity, version) values ('Old', 'A', 2, 1)");
    const stored = await orm.get(BookEntity, "Old", "title");
    const logged = { id: 1, title: "Old", author: "A", publishedDate: null, isbn: null, stockQuantity: 2, version: 1 };
    expect({ ...stored }).toEqual(bookFormat.complete(logged));
  } finally {
    await orm.close();
  }
});
