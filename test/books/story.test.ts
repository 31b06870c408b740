import { expect, test } from "vitest";
import { startService } from "../support/service/service.ts";

test("a book is added, read, listed, edited, renamed and deleted", async () => {
  const service = await startService();
  await service.addBook("A New Book", {
    publishedDate: "2024-01-01",
    isbn: "1234567890",
    stockQuantity: 10,
  });
  expect(await service.titles()).toEqual(["A New Book"]);
  await service.updateBook("A New Book", { author: "Another Author" });
  await service.updateBook("A New Book", { title: "A Renamed Book" });
  expect((await service.book("A New Book")).data.book).toBeNull();
  expect((await service.book("A Renamed Book")).data.book).toMatchObject({ author: "Another Author", version: 3 });
  const deleted = await service.deleteBook("A Renamed Book");
  expect(deleted.data.deleteBook).toMatchObject({ __typename: "Book", version: 3 });
  expect(await service.titles()).toEqual([]);
});
