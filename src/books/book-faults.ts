import { addBookInput, type Book } from "./book.ts";
import { isSameIsbn } from "./isbn-forms.ts";

/**
 * What the rules of today say against a book that is stored. A text that is not as it would be stored now, such as a title
 * with blanks around it, is found by nobody who looks for it.
 */
export function bookFaults(book: Book): readonly string[] {
  const { id: _, version: __, addedAt: ___, updatedAt: ____, ...given } = book;
  const { data, error } = addBookInput.safeParse(given);
  if (error) return error.issues.map(({ path, message }) => `${path.join(".")} ${message}`);
  return Object.entries(given).flatMap(([field, value]) => {
    const stored = data[field as keyof typeof data];
    const isSame = field === "isbn" ? isSameIsbn(book.isbn, data.isbn ?? null) : stored === value;
    return isSame ? [] : [`${field} is not as it would be stored now`];
  });
}
