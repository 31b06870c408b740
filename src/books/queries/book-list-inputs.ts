import type { Builder } from "../../graphql/builder.ts";
import type { SharedTypes } from "../../graphql/schema.ts";
import { MOST_NAMED } from "./book-filter.ts";
import { LONGEST_SEARCH, MOST_WORDS } from "./book-search.ts";

/** The inputs that say which books are meant, and in which order. */
export function defineBookListInputs(builder: Builder, { orderDirection }: SharedTypes) {
  const filter = builder.inputType("BookFilter", {
    description: "What must hold of a book. All that is given must; null is not given.",
    fields: (t) => ({
      titleStartsWith: t.string({
        description:
          "The title begins so, whatever the case, accents and forms of the letters. 512 characters at most.",
      }),
      author: t.string({
        description: "This is the whole author, whatever the case, accents and forms of the letters.",
      }),
      authorContains: t.string({
        description: `The author has all these words, and of the last one at least a beginning. ${LONGEST_SEARCH} characters and ${MOST_WORDS} different words at most.`,
      }),
      language: t.string({ description: "This is the language, as its BCP 47 tag: `en` does not stand for `en-GB`." }),
      publishedFrom: t.field({ type: "Date", description: "Published on this day or later." }),
      publishedTo: t.field({ type: "Date", description: "Published on this day or before." }),
      inStock: t.boolean({ description: "Whether any are in stock." }),
      addedSince: t.field({ type: "DateTime", description: "Added at this time or later." }),
      ids: t.idList({ description: `It has one of these ids, ${MOST_NAMED} at most.` }),
      isbns: t.stringList({ description: `It has one of these ISBNs, in either form, ${MOST_NAMED} at most.` }),
    }),
  });
  const field = builder.enumType("BookOrderField", {
    description: "What books are put in order by. Those that have the same are ordered by when they were added.",
    values: {
      RELEVANCE: {
        description:
          "How well the title answers the search: it is just that; it begins so; it has all the words; title and author have them together; the author has them. Ascending has the best first. Those that are as good are in title order.",
      },
      TITLE: { description: "The title as people sort it: case and accents count only where all else is the same." },
      AUTHOR: { description: "The author as people sort it." },
      PUBLISHED_DATE: { description: "The day of publication; books without one come last in both directions." },
      STOCK_QUANTITY: { description: "How many are in stock." },
      ADDED_AT: { description: "When the book was added." },
      UPDATED_AT: { description: "When the book last changed." },
    } as const,
  });
  const order = builder.inputType("BookOrder", {
    description: "The order that books come in.",
    fields: (t) => ({
      field: t.field({ type: field, required: true, description: "What they are put in order by." }),
      direction: t.field({ type: orderDirection, defaultValue: "asc", description: "Which end comes first." }),
    }),
  });
  return { filter, order };
}
