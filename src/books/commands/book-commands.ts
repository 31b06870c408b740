import type { z } from "zod";
import type { New } from "../../cqrs/decisions.ts";
import { withDefaults } from "../../graphql/fields.ts";
import { ValidationError } from "../../graphql/refusals.ts";
import { addBookInput, adjustStockInput, type Book, updateBookInput } from "../book.ts";
import { bookFields } from "../book-fields.ts";
import { titleKey } from "../book-keys.ts";
import type { BookCommand } from "./book-command.ts";

/** @throws ValidationError */
export function addBook(input: unknown): BookCommand {
  return { kind: "add", book: newBook(parse(addBookInput, input)) };
}

/** @throws ValidationError */
export function updateBook(asked: string, input: unknown): BookCommand {
  const { expectedVersion, ...patch } = parse(updateBookInput, input);
  return {
    kind: "update",
    asked,
    title: titleKey(asked),
    expectedVersion: expectedVersion ?? undefined,
    // what is not there is left alone
    patch: Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)),
  };
}

/** @throws ValidationError */
export function adjustStock(asked: string, by: number): BookCommand {
  return { kind: "adjustStock", asked, title: titleKey(asked), by: parse(adjustStockInput, { by }).by };
}

export function deleteBook(asked: string, expectedVersion: number | null | undefined): BookCommand {
  return { kind: "delete", asked, title: titleKey(asked), expectedVersion: expectedVersion ?? undefined };
}

/**
 * `addBook`, except that a book which is stored as `input` has it is left alone. What `input` does not mention may
 * differ.
 *
 * @throws ValidationError
 */
export function importBook(input: unknown): BookCommand {
  const valid = parse(addBookInput, input);
  const book = newBook(valid);
  const mentioned = Object.entries(valid).filter(([, value]) => value !== undefined);
  const known = Object.fromEntries(mentioned.map(([field]) => [field, book[field as keyof New<Book>]]));
  return { kind: "import", book, known };
}

function newBook(input: z.output<typeof addBookInput>): New<Book> {
  return { ...withDefaults(bookFields, input), version: 1 };
}

function parse<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const result = schema.safeParse(input);
  if (!result.success) throw new ValidationError(result.error);
  return result.data;
}
