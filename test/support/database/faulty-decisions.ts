import type { Book } from "../../../src/books/book.ts";
import type { Decisions, New } from "../../../src/cqrs/decisions.ts";

/** A command that adds a book, or does to its thread what no command should. */
export interface FaultyCommand {
  readonly kind: "add" | "hang" | "exit" | "bloat" | "throw";
  readonly title: string;
}

/** Stands for what can befall the thread that decides commands. */
export const decisions: Decisions<Book, FaultyCommand, never> = {
  module: import.meta.url,
  keys: ({ title }) => ({ title: [title] }),
  adds: () => true,
  decide({ kind, title }, _, { revision, at }) {
    // with what no thread can send
    if (kind === "throw") throw new Error("a fault", { cause: () => {} });
    if (kind === "exit") process.exit(3);
    // as one that runs for ever, but for the core that it would take
    if (kind === "hang") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    const kept: unknown[] = [];
    while (kind === "bloat") kept.push(new Array(1_000_000).fill(0.5));
    const empty = { publishedDate: null, isbn: null, language: null, description: null, coverUrl: null };
    const own = { version: revision, addedAt: at, updatedAt: at };
    const after = { title, author: "A", ...empty, stockQuantity: 0, ...own };
    return { kind: "add", after: after as New<Book> };
  },
};
