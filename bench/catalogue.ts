import type { Book } from "./servers/support.ts";

/** The size of the largest catalogue. Every other size divides it. */
export const LARGEST = 1_000_000;

/** They stand in the same order by code point as folded, so that servers which know the one alone can take part. */
const WORKS = [
  "Dzieła zebrane",
  "L'œuvre complète",
  "Obras de una época",
  "Sämtliche Werke",
  "The Collected Works",
  "全集",
];

/** A title that is in no catalogue. */
export const MISSING_TITLE = "A Book That Nobody Wrote";

/**
 * The catalogue of this size, in no particular order. It holds every book of the smaller ones, and the others lie
 * evenly between those.
 */
export function catalogue(size: number): Book[] {
  return Array.from({ length: size }, (_, i) => bookAt(i * (LARGEST / size)));
}

/** The same books in title order. All titles lie in the plane where UTF-16 sorts as code points do. */
export function inTitleOrder(books: readonly Book[]): Book[] {
  return books.toSorted((a, b) => (a.title < b.title ? -1 : 1));
}

function bookAt(n: number): Book {
  // spreads neighbouring numbers, so that every catalogue has books of every kind
  const kind = Math.imul(n + 1, 0x9e3779b1) >>> 12;
  return {
    title: `${WORKS[kind % WORKS.length]}, Volume ${n}`,
    author: `Author No. ${kind % 5000}`,
    publishedDate: kind % 11 === 0 ? null : `${1900 + (kind % 120)}-0${1 + (kind % 9)}-${10 + (kind % 18)}`,
    isbn: kind % 7 === 0 ? null : `978${String(n).padStart(10, "0")}`,
    stockQuantity: kind % 100,
    version: 1,
  };
}
