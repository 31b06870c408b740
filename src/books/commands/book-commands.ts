import type { z } from "zod";
import type { Command } from "../../cqrs/commands/stream-writer.ts";
import type { OrmService } from "../../cqrs/database/orm-service.ts";
import { UniqueViolation } from "../../cqrs/errors.ts";
import { withDefaults } from "../../graphql/fields.ts";
import { ValidationError } from "../../graphql/refusals.ts";
import { addBookInput, type Book, BookEntity, toBook, updateBookInput } from "../book.ts";
import { bookFields } from "../book-fields.ts";
import { titleKey } from "../book-keys.ts";
import { BookNotFoundError, IsbnTakenError, TitleTakenError, VersionConflictError } from "./book-refusals.ts";

/** An input of `addBook` that was found valid. */
export type NewBook = z.output<typeof addBookInput>;

/** @throws ValidationError */
export function newBook(input: unknown): NewBook {
  return parse(addBookInput, input);
}

export function addBook(input: NewBook): Command<Book> {
  const book = { ...withDefaults(bookFields, input), version: 1 };
  return async (tx) => {
    const entity = await unlessTaken(book, () => tx.create(BookEntity, book));
    return { kind: "add", before: null, after: toBook(entity) };
  };
}

/** @throws ValidationError */
export function updateBook(title: string, input: unknown): Command<Book> {
  const { expectedVersion, ...patch } = parse(updateBookInput, input);
  return async (tx) => {
    const before = await find(tx, title, expectedVersion);
    const entity = await unlessTaken(patch, () =>
      tx.update(BookEntity, before.id, "id", { ...patch, version: before.version + 1 } as Partial<BookEntity>, true),
    );
    if (!entity) throw new Error("a book vanished inside a transaction");
    return { kind: "update", before, after: toBook(entity) };
  };
}

export function deleteBook(title: string, expectedVersion: number | null | undefined): Command<Book> {
  return async (tx) => {
    const before = await find(tx, title, expectedVersion);
    await tx.delete(BookEntity, before.id);
    return { kind: "delete", before, after: null };
  };
}

function parse<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const result = schema.safeParse(input);
  if (!result.success) throw new ValidationError(result.error);
  return result.data;
}

async function find(tx: OrmService, title: string, expectedVersion: number | null | undefined): Promise<Book> {
  const entity = await tx.get(BookEntity, titleKey(title), "title");
  if (!entity) throw new BookNotFoundError(title);
  const book = toBook(entity);
  if (expectedVersion != null && expectedVersion !== book.version)
    throw new VersionConflictError(expectedVersion, book);
  return book;
}

/** The database alone decides what is unique: it sees every process. */
async function unlessTaken<R>(
  { title, isbn }: { title?: string | undefined; isbn?: string | null | undefined },
  write: () => Promise<R>,
): Promise<R> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof UniqueViolation && error.column === "title" && title) throw new TitleTakenError(title);
    if (error instanceof UniqueViolation && error.column === "isbn" && isbn) throw new IsbnTakenError(isbn);
    throw error;
  }
}
