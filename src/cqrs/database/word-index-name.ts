/** The name of the index of words over a table. */
export function wordIndexOf(table: string): string {
  return `${table}_words`;
}
