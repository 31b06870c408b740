import { p } from "@mikro-orm/core";
import { day, text, wholeNumber } from "../graphql/field-rules.ts";
import { defaulted, type Fields, optional, own, required } from "../graphql/fields.ts";
import { isbn } from "./isbn.ts";
import { MAX_STOCK } from "./max-stock.ts";

/**
 * What a book has beside its id, in the order in which people see it. Entity, inputs, GraphQL types, form and import follow
 * from this: docs/add-a-field.md.
 */
export const bookFields = {
  title: required({
    type: "String",
    column: p.text().unique(),
    rule: text("Title", 512),
    description: "The title; no two books have the same.",
    onAdd: "1 to 512 characters.",
    onUpdate: "The new title, 1 to 512 characters.",
  }),
  author: required({
    type: "String",
    column: p.text(),
    rule: text("Author", 1024),
    description: "The author, or several as one text.",
    onAdd: "1 to 1024 characters.",
    onUpdate: "The new author, 1 to 1024 characters.",
  }),
  /** `YYYY-MM-DD`. */
  publishedDate: optional({
    type: "Date",
    column: p.date().nullable(),
    rule: day("Published"),
    description: "The day of publication; null when it is not known.",
    onAdd: "The day of publication, if known.",
    onUpdate: "The new day of publication, or null for not known.",
  }),
  /** 10 or 13 characters, without hyphens. */
  isbn: optional({
    type: "String",
    column: p.text().unique().nullable(),
    rule: isbn,
    description: "10 or 13 characters without hyphens; no two books have the same. Null when it is not known.",
    onAdd: "10 or 13 digits (the last of ten may be X); hyphens and spaces are removed.",
    onUpdate: "The new ISBN, or null for not known.",
  }),
  stockQuantity: defaulted(0, {
    type: "Int",
    column: p.integer(),
    rule: wholeNumber("In stock", 0, MAX_STOCK),
    description: "How many are in stock.",
    onAdd: `How many are in stock, 0 to ${MAX_STOCK}. Null means 0.`,
    onUpdate: `The new stock, 0 to ${MAX_STOCK}.`,
  }),
  /** 1 when added, one more with each update. */
  version: own({
    type: "Int",
    column: p.integer(),
    description: "1 when the book was added, one more with each update.",
  }),
} satisfies Fields;
