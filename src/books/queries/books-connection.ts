import type { Builder } from "../../graphql/builder.ts";
import { connectionOf, largestPage, pageRange } from "../../graphql/page.ts";
import type { SharedTypes } from "../../graphql/schema.ts";
import { isSelected } from "../../graphql/selections.ts";
import type { BookRef } from "../book-type.ts";
import { BOOK_FACETS, type BookFacet, defineBookFacets, type FoundFacets } from "./book-facets.ts";
import { bookListOf } from "./book-list.ts";
import { defineBookListInputs } from "./book-list-inputs.ts";
import { bookQueries } from "./book-query-handler.ts";
import { LONGEST_SEARCH, MOST_WORDS } from "./book-search.ts";

/** To count ten thousand books takes as long as some fields of many books, and to see what they have ten times that. */
const COSTS = { totalCount: 20, facets: 200 };

/** What the connection has beside what every connection has. */
interface FoundBooks {
  readonly totalCount: number;
  readonly totalCountIsExact: boolean;
  readonly facets: FoundFacets | undefined;
}

export function defineBooksConnection(builder: Builder, shared: SharedTypes, book: BookRef): void {
  const { filter, order } = defineBookListInputs(builder, shared);
  const bookFacets = defineBookFacets(builder, shared);
  builder.queryField("booksConnection", (t) =>
    t.connection(
      {
        type: book,
        nullable: true,
        description:
          "The books that the search finds and that pass the filter, page by page; in title order unless told, the best first with a search. Without `first` and `last` a page has 50 books.",
        args: {
          search: t.arg.string({
            description: `What somebody has typed. Each word must be in the title or the author, of the last one a beginning is enough; case, accents and all but letters and digits do not count. A blank text is not given. ${LONGEST_SEARCH} characters and ${MOST_WORDS} different words at most.`,
          }),
          filter: t.arg({ type: filter, description: "Which books; all of them unless given." }),
          orderBy: t.arg({
            type: order,
            description: "The order that they come in: by title unless given, with a search by relevance.",
          }),
        },
        extensions: { listSize: largestPage },
        resolve: async (_, args, context, info) => {
          const list = bookListOf(args);
          const names = Object.keys(BOOK_FACETS) as BookFacet[];
          const facets = isSelected(info, "facets")
            ? names.filter((name) => isSelected(info, "facets", name))
            : undefined;
          const withTotal = isSelected(info, "totalCount") || isSelected(info, "totalCountIsExact");
          const withPage = ["edges", "nodes", "pageInfo"].some((name) => isSelected(info, name));
          const asked = { ...list, ...pageRange(args, list.cursors), withPage, withTotal, facets };
          const page = await bookQueries.of(context).list(asked, context.consistency);
          return {
            ...connectionOf(page, args, list.cursors),
            totalCount: page.total?.count ?? 0,
            totalCountIsExact: page.total?.isExact ?? true,
            facets: page.facets,
          };
        },
      },
      {
        name: "BooksConnection",
        description: "A page of the catalogue.",
        fields: (c) => ({
          totalCount: c.int({
            description:
              "How many books the whole catalogue holds; with a filter, how many pass it, of which 10,000 are counted.",
            extensions: { cost: COSTS.totalCount },
            resolve: ({ totalCount }: FoundBooks) => totalCount,
          }),
          totalCountIsExact: c.boolean({
            description: "Whether `totalCount` is all of them; else there are more.",
            extensions: { cost: COSTS.totalCount },
            resolve: ({ totalCountIsExact }: FoundBooks) => totalCountIsExact,
          }),
          facets: c.field({
            type: bookFacets,
            description: "What the books have that pass the filter, on all pages.",
            extensions: { cost: COSTS.facets },
            resolve: ({ facets }: FoundBooks) => facets as FoundFacets,
          }),
        }),
      },
      { name: "BookEdge", description: "A book and where it stands." },
    ),
  );
}
