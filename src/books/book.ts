import { defineEntity, p } from "@mikro-orm/core";
import { z } from "zod";
import { addRules, columnsOf, updateRules, type Values } from "../graphql/fields.ts";
import { bookFields } from "./book-fields.ts";

const schema = defineEntity({
  name: "Book",
  tableName: "book",
  properties: { id: p.integer().primary().autoincrement(), ...columnsOf(bookFields) },
});

/** The entity that `OrmService` stores. */
export class BookEntity extends schema.class {}
schema.setClass(BookEntity);

/** A book as commands return it, the change log keeps it and Redis holds it: `book-fields.ts` has what it consists of. */
export interface Book extends Values<typeof bookFields> {
  /** Stays the same when the book is renamed. */
  readonly id: number;
}

/** What `addBook` accepts. The GraphQL schema gives the types; this is every other rule. */
export const addBookInput = z.strictObject(addRules(bookFields));

/** What `adjustStock` accepts beside the book: a till that sells none has made a mistake. */
export const adjustStockInput = z.strictObject({ by: z.int32().refine((by) => by !== 0, "must not be 0") });

/** What `updateBook` accepts: an absent field is left alone. Also the source of the edit form. */
export const updateBookInput = z.strictObject({
  ...updateRules(bookFields),
  expectedVersion: z.int().min(0).nullish().meta({
    title: "Version",
    description: "The version that was edited; a newer one is not overwritten.",
    readOnly: true,
  }),
});
