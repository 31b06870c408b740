import { fieldProblem } from "../api/words.ts";
import type { RefusalFragment } from "../generated/graphql.ts";

/** What is wrong with a form, in words, by field; "" is the whole of it. */
export type Problems = Readonly<Record<string, string>>;

/** Why the form was not taken, at the fields that it is about. */
export function problemsOf(refusal: RefusalFragment): Problems {
  switch (refusal.__typename) {
    case "ValidationError":
      return Object.fromEntries(refusal.fieldErrors.map((error) => [error.field, fieldProblem(error)]));
    case "TitleTakenError":
      return { title: "There is already a book with this title." };
    case "IsbnTakenError":
      return { isbn: `“${refusal.book.title}” has this ISBN, and no two books have the same.` };
    case "BookNotFoundError":
      return { "": "Somebody has deleted this book. What you have written is still here, to be copied." };
    // what comes here is dealt with elsewhere, or cannot happen to a form, or is newer than this page
    default:
      return { "": refusal.message };
  }
}
