import { bookModule } from "./books/book-module.ts";
import type { Module } from "./module.ts";

/** The aggregates of the service. A new one is registered here and nowhere else: docs/add-an-aggregate.md. */
export const modules: readonly Module[] = [bookModule];
