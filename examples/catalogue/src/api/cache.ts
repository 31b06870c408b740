import { type CacheExchangeOpts, cacheExchange } from "@urql/exchange-graphcache";
import { BookFields } from "../api/books.ts";
import schema from "../generated/schema.json";
import { StockOfBook } from "./stock.ts";

/** What has no id is a part of what it stands in. A past state of a book is asked for without one: it is not the book. */
const keys = Object.fromEntries(
  schema.__schema.types
    .filter(({ kind }) => kind === "OBJECT")
    .map(({ name }) => [name, ({ id }: { id?: unknown }) => (typeof id === "string" ? id : null)]),
);

/** One entry for each book, so that a change is seen wherever the book is shown. */
export const booksCache = cacheExchange({
  schema: schema as NonNullable<CacheExchangeOpts["schema"]>,
  keys,
  optimistic: {
    adjustStock(variables, cache) {
      const book = cache.readFragment(BookFields, { __typename: "Book", id: variables.id as string });
      // never below nothing, not even for a moment
      return book && { ...book, stockQuantity: Math.max(0, book.stockQuantity + (variables.by as number)) };
    },
  },
  updates: {
    Mutation: {
      adjustStock({ adjustStock }, { id }, cache) {
        const { __typename, available } = adjustStock as { __typename: string; available?: number };
        // the refusal knows better than the cache how many there are
        if (__typename === "InsufficientStockError" && available !== undefined) {
          cache.writeFragment(StockOfBook, { id: id as string, stockQuantity: available });
        }
      },
    },
  },
});
