import { openDatabase } from "../../../src/app.ts";
import { bookStream } from "../../../src/books/book-stream.ts";
import { Stream } from "../../../src/cqrs/stream.ts";
import { modules } from "../../../src/modules.ts";

/** The database of the service, and the stream of the books in it. */
export async function openBooks(databaseUrl: string) {
  const orm = await openDatabase(databaseUrl, modules);
  return { orm, books: new Stream(orm, bookStream) };
}
