import { copyCheckout, documentedLines, edit } from "./copied-checkout.ts";

/** What somebody writes who adds a field to the books: the lines for each of the places. */
export interface AddedField {
  readonly field: readonly string[];
  readonly migration: readonly string[];
  readonly format: readonly string[];
}

const [field = [], migration = [], format = []] = documentedLines("docs/add-a-field.md");

/** The field of docs/add-a-field.md: the edition, an integer that is 1 unless it is given. */
export const documentedField: AddedField = { field, migration, format: format.slice(0, 1) };

/** One to be added after it, of the kind that may be null. */
export const optionalField: AddedField = {
  field: [
    "publisher: optional({",
    '  type: "String",',
    "  column: p.text().nullable(),",
    '  rule: text("Publisher", 512),',
    '  description: "The publisher; null when it is not known.",',
    '  onAdd: "The publisher, if known.",',
    '  onUpdate: "The new publisher, or null for not known.",',
    "}),",
  ],
  migration: [
    '{ name: "books-8-add-publisher", compatible: true, up: () => ["alter table book add column publisher text"] },',
  ],
  format: ["publisher: { since: 5, was: null },"],
};

/** A copy of the checkout whose books have these fields as well. It goes with the test. */
export function checkoutWithFields(...added: readonly AddedField[]): string {
  const checkout = copyCheckout();
  addFields(checkout, ...added);
  return checkout;
}

/** Writes the fields into a checkout. */
export function addFields(checkout: string, ...added: readonly AddedField[]): void {
  for (const { field, migration, format } of added) {
    const indented = (lines: readonly string[]) => lines.map((line) => `  ${line}\n`).join("");
    edit(checkout, "src/books/book-fields.ts", (text) =>
      text.replace(/^ {2}stockQuantity: [\s\S]*?^ {2}\}\),\n/m, (before) => before + indented(field)),
    );
    edit(checkout, "src/books/migrations.ts", (text) => text.replace(/^\];$/m, (end) => indented(migration) + end));
    edit(checkout, "src/books/book-format.ts", (text) => text.replace(/^\}\);$/m, (end) => indented(format) + end));
  }
}
