import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a process that a test starts has of this one's environment: the settings of a developer's shell do not reach it. */
export const inherited = {
  PATH: process.env.PATH,
  // the suite starts a hundred processes of the same modules, and what one has compiled is of use to the next run, too
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(tmpdir(), "books-compile-cache"),
} as const;
