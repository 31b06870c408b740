/** An ISBN of ten digits, which the service stores as the thirteen. The others that clients send have no right check digit. */
const [TEN, THIRTEEN] = ["0306406152", "9780306406157"] as const;

/** Few, so that clients meet. The last two are one. */
export const ISBNS: readonly string[] = [
  ...Array.from({ length: 6 }, (_, index) => `978000000000${index}`),
  ...[THIRTEEN, TEN],
];

/** An ISBN as a book has it. */
export function asStored<Isbn extends string | null | undefined>(isbn: Isbn): Isbn {
  return isbn === TEN ? (THIRTEEN as Isbn) : isbn;
}
