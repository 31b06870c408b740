import { defineEntity } from "@mikro-orm/core";
import { z } from "zod";
import { day, formHints, text } from "../graphql/field-rules.ts";

const schema = defineEntity({
  name: "Book",
  tableName: "book",
  properties: (p) => ({
    id: p.integer().primary().autoincrement(),
    title: p.text().unique(),
    author: p.text(),
    publishedDate: p.date().nullable(),
    isbn: p.text().unique().nullable(),
    stockQuantity: p.integer(),
    version: p.integer(),
  }),
});

/** The entity that `OrmService` stores. */
export class BookEntity extends schema.class {}
schema.setClass(BookEntity);

/** A book as commands return it, the change log keeps it and Redis holds it. */
export interface Book {
  readonly id: number;
  readonly title: string;
  readonly author: string;
  /** `YYYY-MM-DD`. */
  readonly publishedDate: string | null;
  /** 10 or 13 characters, without hyphens. */
  readonly isbn: string | null;
  readonly stockQuantity: number;
  /** 1 when added, one more with each update. */
  readonly version: number;
}

export function toBook(entity: BookEntity): Book {
  const { id, title, author, publishedDate, isbn, stockQuantity, version } = entity;
  return {
    id,
    title,
    author,
    publishedDate: publishedDate ?? null,
    isbn: isbn ?? null,
    stockQuantity,
    version,
  };
}

const title = text("Title", 512);
const author = text("Author", 1024);
const publishedDate = day("Published");

const ISBN_MESSAGE = "must be an ISBN of 10 or 13 digits, with or without hyphens";

/** Digits and X are those of ASCII or full-width; dashes of every kind and spaces may stand anywhere. */
const ISBN_DIGIT = "[\\d\\uFF10-\\uFF19]";
const ISBN_GAP = "[\\s\\p{Pd}]*";

const isbn = z
  .string()
  .overwrite((value) =>
    value
      .replaceAll(/[\s\p{Pd}]/gu, "")
      .replaceAll(/[\uFF10-\uFF19\uFF38\uFF58]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
      .toUpperCase(),
  )
  .regex(/^(\d{9}[\dX]|\d{13})$/, ISBN_MESSAGE)
  .meta({
    title: "ISBN",
    description: "10 or 13 digits; hyphens and spaces are ignored.",
    pattern: `^${ISBN_GAP}(?:(?:${ISBN_DIGIT}${ISBN_GAP}){9}(?:${ISBN_DIGIT}|[Xx\\uFF38\\uFF58])|(?:${ISBN_DIGIT}${ISBN_GAP}){12}${ISBN_DIGIT})${ISBN_GAP}$`,
  })
  .register(formHints, { message: ISBN_MESSAGE });

/** What an `Int` of GraphQL and an integer of either database hold. */
const MAX_STOCK = 2_147_483_647;

const stockQuantity = z
  .int("must be a whole number")
  .min(0, "must be at least 0")
  .max(MAX_STOCK, `must be at most ${MAX_STOCK}`)
  .meta({ title: "In stock" })
  .register(formHints, { message: `must be a whole number from 0 to ${MAX_STOCK}` });

/** What `addBook` accepts. The GraphQL schema gives the types; this is every other rule. */
export const addBookInput = z.strictObject({
  title,
  author,
  publishedDate: publishedDate.nullish(),
  isbn: isbn.nullish(),
  stockQuantity: stockQuantity.nullish(),
});

/** What `updateBook` accepts: an absent field is left alone. Also the source of the edit form. */
export const updateBookInput = z.strictObject({
  title: title.optional(),
  author: author.optional(),
  publishedDate: publishedDate.nullable().optional(),
  isbn: isbn.nullable().optional(),
  stockQuantity: stockQuantity.optional(),
  expectedVersion: z.int32().nullish().meta({
    title: "Version",
    description: "The version that was edited; a newer one is not overwritten.",
    readOnly: true,
  }),
});

/** A key that is safe to look up anywhere and that no book has: titles hold no control characters. */
const NO_TITLE = "\u0001";

/** Titles that the rules leave as they are. Most are such, and to see that takes a fraction of applying the rules. */
const PLAIN_TITLE = /^[!-~](?:[ -~]{0,510}[!-~])?$/;

/** `value` as a title is stored; undefined when it can be none. */
export function normalisedTitle(value: string): string | undefined {
  return PLAIN_TITLE.test(value) ? value : title.safeParse(value).data;
}

/** `value` as a title is stored. What can be no title becomes one that no book has. */
export function titleKey(value: string): string {
  return normalisedTitle(value) ?? NO_TITLE;
}

/** `value` as an ISBN is stored. What can be no ISBN becomes the empty one, which no book has. */
export function isbnKey(value: string): string {
  return isbn.safeParse(value).data ?? "";
}
