import type { New } from "../../cqrs/decisions.ts";
import type { Book } from "../book.ts";
import type { Sought } from "../book-keys.ts";

/** A book as commands are given it: what they set themselves is not there yet. */
export type GivenBook = Omit<New<Book>, "version" | "addedAt" | "updatedAt">;

/** What can be asked of the books. Inputs are valid, and as they are stored. */
export type BookCommand =
  | { readonly kind: "add"; readonly book: GivenBook }
  /** Adds the book unless one with this title is stored that has all of `known`. */
  | { readonly kind: "import"; readonly book: GivenBook; readonly known: Partial<GivenBook> }
  | {
      readonly kind: "update";
      readonly sought: Sought;
      readonly expectedVersion: number | undefined;
      readonly patch: Partial<GivenBook>;
    }
  | { readonly kind: "adjustStock"; readonly sought: Sought; readonly by: number }
  | { readonly kind: "delete"; readonly sought: Sought; readonly expectedVersion: number | undefined }
  /** What was found invalid: it is refused at whichever revision it is its turn. */
  | { readonly kind: "invalid" };

/** Why a command is refused. */
export type BookRefused =
  | { readonly kind: "invalid" }
  | { readonly kind: "notFound"; readonly sought: Sought }
  | { readonly kind: "versionConflict"; readonly expectedVersion: number; readonly book: Book }
  | { readonly kind: "insufficientStock"; readonly available: number }
  /** `room` is how much more there may be in stock. */
  | { readonly kind: "tooMuchStock"; readonly room: number }
  /** `book` is the one that has it. */
  | { readonly kind: "titleTaken"; readonly title: string; readonly book: Book }
  | { readonly kind: "isbnTaken"; readonly isbn: string; readonly book: Book }
  | { readonly kind: "unchanged"; readonly title: string };
