import { fileURLToPath } from "node:url";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that wait for clocks, processes or other programs, the longest first: they take longer than they work. */
export const WAITING = [
  "cqrs/redis-topologies",
  "proof/verify-promise",
  "cqrs/deploy",
  "cqrs/live-changes",
  "checkouts",
  "http/patience",
  "http/slow-subscribers",
  "cqrs/rebuild",
  "cqrs/postgres",
  "cqrs/lost-answers",
  "http/stop",
  "log",
  "cqrs/writer-thread",
  "proof/torture",
  "books/queries/book-subscriptions",
  "cqrs/reset",
  "http/health",
].map((name) => fileURLToPath(new URL(`../../${name}.test.ts`, import.meta.url)));

/** So many others come after each: while some wait, others are to use the cores, and none is to begin last. */
const BETWEEN = 3;

/** Spreads the files that wait over the first part of a project's, which are else in Vitest's own order. */
export class WaitingSpread extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const projects = Map.groupBy(await super.sort(files), ({ project }) => project);
    return [...projects.values()].flatMap((ordered) => {
      const others = ordered.filter(({ moduleId }) => !WAITING.includes(moduleId));
      const waiting = WAITING.flatMap((path) => ordered.find(({ moduleId }) => moduleId === path) ?? []);
      return [...waiting.flatMap((file) => [file, ...others.splice(0, BETWEEN)]), ...others];
    });
  }
}
