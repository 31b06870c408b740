import type { z } from "zod";
import { withDefaults } from "../../graphql/fields.ts";
import { ValidationError } from "../../graphql/refusals.ts";
import { addBookInput, adjustStockInput, updateBookInput } from "../book.ts";
import { bookFields } from "../book-fields.ts";
import type { Sought } from "../book-keys.ts";
import type { BookCommand, GivenBook } from "./book-command.ts";

/** @throws ValidationError */
export function addBook(input: unknown): BookCommand {
  return { kind: "add", book: newBook(parse(addBookInput, input)) };
}

/** @throws ValidationError */
export function updateBook(sought: Sought, input: unknown): BookCommand {
  const { expectedVersion, ...patch } = parse(updateBookInput, input);
  return {
    kind: "update",
    sought,
    expectedVersion: expectedVersion ?? undefined,
    // what is not there is left alone
    patch: Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)),
  };
}

/** @throws ValidationError */
export function adjustStock(sought: Sought, by: number): BookCommand {
  return { kind: "adjustStock", sought, by: parse(adjustStockInput, { by }).by };
}

export function deleteBook(sought: Sought, expectedVersion: number | null | undefined): BookCommand {
  return { kind: "delete", sought, expectedVersion: expectedVersion ?? undefined };
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
  const known = Object.fromEntries(mentioned.map(([field]) => [field, book[field as keyof GivenBook]]));
  return { kind: "import", book, known };
}

function newBook(input: z.output<typeof addBookInput>): GivenBook {
  return withDefaults(bookFields, input);
}

function parse<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const result = schema.safeParse(input);
  if (!result.success) throw new ValidationError(result.error);
  return result.data;
}
