import type { PastBookFragment } from "../generated/graphql.ts";

type Field = Exclude<keyof PastBookFragment, "__typename">;

/** What people call the fields of a book, in the order in which they stand in forms. */
const NAMES: Record<Field, string> = {
  title: "Title",
  author: "Author",
  publishedDate: "Published",
  isbn: "ISBN",
  language: "Language",
  description: "Description",
  coverUrl: "Cover",
  stockQuantity: "In stock",
};

export const FIELD_NAMES = Object.entries(NAMES) as [Field, string][];
