import { fileURLToPath } from "node:url";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take longer than their size lets Vitest expect: they wait for clocks, processes or other programs. */
export const LONG = [
  "checkouts",
  "cqrs/live-changes",
  "cqrs/redis-topologies",
  "cqrs/write-load",
  "graphql/heavy-line",
  "http/patience",
  "http/slow-subscribers",
  "proof/torture",
].map((name) => fileURLToPath(new URL(`../../${name}.test.ts`, import.meta.url)));

/** Begins with the long files: what is begun last is what all else has to wait for, on a core of its own. */
export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => LONG.includes(moduleId);
    const projects = Map.groupBy(await super.sort(files), ({ project }) => project);
    return [...projects.values()].flatMap((ordered) => [
      ...ordered.filter(isLong),
      ...ordered.filter((file) => !isLong(file)),
    ]);
  }
}
