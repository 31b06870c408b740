import type { FacetCounts } from "../../cqrs/queries/list-question.ts";
import type { Builder } from "../../graphql/builder.ts";
import { facetsOf } from "../../graphql/lists.ts";
import { LARGEST_PAGE, largestPage, pageSize } from "../../graphql/page.ts";
import type { SharedTypes } from "../../graphql/schema.ts";

/** What is told of the languages at most; catalogues have fewer. */
const MOST_LANGUAGES = 200;
const FEW_AUTHORS = 10;

/** The facets by their names in GraphQL, and what the table has of each. */
export const BOOK_FACETS = {
  authors: { column: "author", most: LARGEST_PAGE },
  languages: { column: "language", most: MOST_LANGUAGES },
  inStock: { column: "stock_quantity", isPositive: true, most: 2 },
} as const;

export type BookFacet = keyof typeof BOOK_FACETS;

/** What was counted; facets that were not asked for are not there. */
export interface FoundFacets {
  readonly counts: Readonly<Partial<Record<BookFacet, FacetCounts>>>;
  readonly isExact: boolean;
}

export function defineBookFacets(builder: Builder, { facet }: SharedTypes) {
  return builder.objectRef<FoundFacets>("BookFacets").implement({
    description: "What the books that were found have, and how many of them. The most frequent comes first.",
    fields: (t) => ({
      authors: t.field({
        type: [facet],
        description: "Their authors, as they are written.",
        args: {
          first: t.arg.int({
            defaultValue: FEW_AUTHORS,
            description: `How many to tell of, 0 to ${LARGEST_PAGE}.`,
          }),
        },
        extensions: { listSize: largestPage },
        resolve: ({ counts }, { first }) => facetsOf(counts.authors, pageSize("first", first) ?? FEW_AUTHORS),
      }),
      languages: t.field({
        type: [facet],
        description: `Their languages, ${MOST_LANGUAGES} at most; books without one are not counted.`,
        extensions: { listSize: MOST_LANGUAGES },
        resolve: ({ counts }) => facetsOf(counts.languages, MOST_LANGUAGES),
      }),
      inStock: t.field({
        type: [facet],
        description: "Whether any are in stock: `true` or `false`.",
        extensions: { listSize: 2 },
        resolve: ({ counts }) => facetsOf(counts.inStock, 2),
      }),
      isExact: t.exposeBoolean("isExact", {
        description: "Whether all that were found are counted; else 10,000 of them are.",
      }),
    }),
  });
}
