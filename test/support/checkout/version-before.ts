import { copyCheckout, edit } from "./copied-checkout.ts";

/**
 * A copy of the checkout as it was before titles were folded: what it writes has nothing derived, it lists by code point, and
 * its database lacks the columns. It goes with the test.
 */
export function checkoutBeforeFolding(): string {
  const copy = copyCheckout();
  edit(copy, "src/books/migrations.ts", (text) =>
    text
      .replaceAll(/^ {2}\{\n {4}name: "books-[34589]-[\s\S]*?^ {2}\},\n/gm, "")
      .replace(/^ {2}\{ name: "books-10-.*\n/m, ""),
  );
  edit(copy, "src/books/book-stream.ts", (text) => text.replace(/^ {2}(order:.*|derived),\n/gm, ""));
  edit(copy, "src/books/book-format.ts", (text) => text.replace("SORTED_SINCE = 3;", "SORTED_SINCE = 1;"));
  edit(copy, "src/cqrs/redis/read-model-name.ts", (text) => text.replace("KEY_FORMAT = 2;", "KEY_FORMAT = 1;"));
  return copy;
}
