import { Setting, wholeNumber } from "../settings.ts";

/** The largest catalogue that `books` answers with. */
export const maxBooks = new Setting("MAX_BOOKS", wholeNumber(1, 1_000_000).default(10_000));
