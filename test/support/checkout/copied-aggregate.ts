import { execFileSync } from "node:child_process";
import { bookModule } from "../../../src/books/book-module.ts";
import { copyCheckout, documentedLines, edit } from "./copied-checkout.ts";

const [copying = [], registering = []] = documentedLines("docs/add-an-aggregate.md");

/** A text about books as one about films. */
export function filmsFor(text: string): string {
  const names = new RegExp(`\\b(${bookModule.namesWithoutNoun.join("|")})\\b`, "g");
  return text
    .replaceAll(names, (name) =>
      /^[a-z]/.test(name) ? `film${name[0]?.toUpperCase()}${name.slice(1)}` : `Film${name}`,
    )
    .replaceAll("book", "film")
    .replaceAll("Book", "Film")
    .replaceAll("BOOK", "FILM");
}

/** A copy of the checkout that has films beside the books, as the document says. It goes with the test. */
export function checkoutWithFilms(): string {
  const copy = copyCheckout();
  execFileSync("bash", ["-ec", copying.join("\n")], { cwd: copy });
  const [added = "", exported = ""] = registering;
  edit(copy, "src/modules.ts", (text) => `${added}\n${text.replace(/^export const .*$/m, exported)}`);
  return copy;
}
