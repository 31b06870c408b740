import type { Book } from "./servers/support.ts";

/** The requests that the load consists of, one line each: bodies to be posted, or, where they begin with `/`, targets of a GET. */

const BOOK =
  "query ($title: String!) { book(title: $title) { title author publishedDate isbn stockQuantity version } }";
const BOOKS = "query { books { title author isbn stockQuantity } }";
const UPDATE_BOOK =
  "mutation ($title: String!, $stock: Int!) { updateBook(title: $title, input: { stockQuantity: $stock }) " +
  "{ __typename ... on Book { title stockQuantity version } } }";

export function bookRequest(title: string): string {
  return JSON.stringify({ query: BOOK, variables: { title } });
}

/** The same as a GET. */
export function bookTarget(title: string): string {
  return `/graphql?${new URLSearchParams({ query: BOOK, variables: JSON.stringify({ title }) })}`;
}

export const booksRequest = JSON.stringify({ query: BOOKS });

/** What `booksRequest` asks for of each book. */
export function listed({ title, author, isbn, stockQuantity }: Book) {
  return { title, author, isbn, stockQuantity };
}

/** Requests that set the stock of these books to one of several numbers. */
export function updateRequests(books: readonly Book[]): string[] {
  return books.flatMap(({ title }) =>
    [3, 14, 159, 2653, 58979].map((stock) => JSON.stringify({ query: UPDATE_BOOK, variables: { title, stock } })),
  );
}

/** Requests for the whole list that all differ, so that no answer is that of another. */
export function allBooksRequests(count: number): string[] {
  return Array.from({ length: count }, (_, n) => JSON.stringify({ query: BOOKS, variables: { n } }));
}

/** Requests for the number of books that all differ. */
export function countRequests(count: number): string[] {
  const query = "query { booksConnection(first: 1) { totalCount } }";
  return Array.from({ length: count }, (_, n) => JSON.stringify({ query, variables: { n } }));
}
