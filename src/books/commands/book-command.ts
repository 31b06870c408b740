import type { New } from "../../cqrs/decisions.ts";
import type { Book } from "../book.ts";

/** What can be asked of the books. Inputs are valid, and as they are stored. */
export type BookCommand =
  | { readonly kind: "add"; readonly book: New<Book> }
  /** Adds the book unless one with this title is stored that has all of `known`. */
  | { readonly kind: "import"; readonly book: New<Book>; readonly known: Partial<Book> }
  | {
      readonly kind: "update";
      /** The title that was asked for, and as a book may have it. */
      readonly asked: string;
      readonly title: string;
      readonly expectedVersion: number | undefined;
      readonly patch: Partial<Book>;
    }
  | { readonly kind: "adjustStock"; readonly asked: string; readonly title: string; readonly by: number }
  | {
      readonly kind: "delete";
      readonly asked: string;
      readonly title: string;
      readonly expectedVersion: number | undefined;
    }
  /** What was found invalid: it is refused at whichever revision it is its turn. */
  | { readonly kind: "invalid" };

/** Why a command is refused. */
export type BookRefused =
  | { readonly kind: "invalid" }
  | { readonly kind: "notFound"; readonly title: string }
  | { readonly kind: "versionConflict"; readonly expectedVersion: number; readonly book: Book }
  | { readonly kind: "insufficientStock"; readonly available: number }
  /** `room` is how much more there may be in stock. */
  | { readonly kind: "tooMuchStock"; readonly room: number }
  | { readonly kind: "titleTaken"; readonly title: string }
  | { readonly kind: "isbnTaken"; readonly isbn: string }
  | { readonly kind: "unchanged"; readonly title: string };
