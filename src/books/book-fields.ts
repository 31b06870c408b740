import { p } from "@mikro-orm/core";
import { day, httpsUrl, language, longText, text, wholeNumber } from "../graphql/field-rules.ts";
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
  /** 10 or 13 characters, without hyphens: `isbn-forms.ts`. */
  isbn: optional({
    type: "String",
    column: p.text().unique().nullable(),
    rule: isbn,
    description:
      "13 digits, or 10 characters if their check digit is wrong; no two books have the same, in whichever form. Null when it is not known.",
    onAdd:
      "10 or 13 digits (the last of ten may be X); dashes and spaces are removed. Ten with a right check digit are stored as their thirteen.",
    onUpdate: "The new ISBN, or null for not known.",
  }),
  /** A canonical tag of BCP 47. */
  language: optional({
    type: "String",
    column: p.text().nullable(),
    rule: language("Language"),
    description: "The language as its BCP 47 tag, such as `en-GB`; null when it is not known.",
    onAdd: "The language as a BCP 47 tag, if known.",
    onUpdate: "The new language, or null for not known.",
  }),
  description: optional({
    type: "String",
    column: p.text().nullable(),
    rule: longText("Description", 10_000),
    description: "What the book is about, in lines that U+000A ends; null when nothing is said of it.",
    onAdd: "What the book is about, 1 to 10,000 characters; line breaks are kept.",
    onUpdate: "The new description, or null for none.",
  }),
  coverUrl: optional({
    type: "String",
    column: p.text().nullable(),
    rule: httpsUrl("Cover", 2048),
    description: "The address of a picture of the cover; null when there is none.",
    onAdd: "The address of a picture of the cover, by https, at most 2048 characters.",
    onUpdate: "The new address of the cover's picture, or null for none.",
  }),
  stockQuantity: defaulted(0, {
    type: "Int",
    column: p.integer(),
    rule: wholeNumber("In stock", 0, MAX_STOCK),
    description: "How many are in stock.",
    onAdd: `How many are in stock, 0 to ${MAX_STOCK}. Null means 0.`,
    onUpdate: `The new stock, 0 to ${MAX_STOCK}.`,
  }),
  /** A revision, so no two states of a title have the same, whichever books they are of. */
  version: own({
    type: "Revision",
    column: p.double(),
    description:
      "The revision of the catalogue at which the book last changed. Books that have not changed since versions were counted book by book keep that smaller number.",
  }),
  /** UTC, in ISO 8601 with milliseconds, as the change log has it. So is the next one. */
  addedAt: own({
    type: "DateTime",
    column: p.text(),
    description: "When the book was added.",
  }),
  updatedAt: own({
    type: "DateTime",
    column: p.text(),
    description: "When the book last changed, which adding it was the first time.",
  }),
} satisfies Fields;
