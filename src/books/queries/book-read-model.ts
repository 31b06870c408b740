import { ReadModel } from "../../cqrs/queries/read-model.ts";
import type { Book } from "../book.ts";

/** The catalogue in Redis: every book by title, and all titles in order. How it is kept honest is the kernel's. */
export class BookReadModel extends ReadModel<Book> {}
