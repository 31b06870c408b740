import { readFileSync } from "node:fs";
import { BreakingChangeType, buildSchema, findSchemaChanges } from "graphql";

/**
 * The changes between two schemas that break clients and that the changelog does not declare: its part about what is not
 * released yet must hold what is returned here, word for word.
 */
export function undeclaredBreakingChanges(released: string, current: string, changelog: string): readonly string[] {
  const parts = changelog.split(/^## /m);
  const declared = plain(parts.find((part) => part.startsWith("Unreleased\n")) ?? "");
  return findSchemaChanges(buildSchema(released), buildSchema(current))
    .filter(({ type }) => Object.hasOwn(BreakingChangeType, type))
    .map(({ description }) => description)
    .filter((description) => !declared.includes(plain(description)));
}

/** However lines are broken, and whatever is set as code. */
function plain(text: string): string {
  return text.replaceAll("`", "").replace(/\s+/g, " ");
}

if (import.meta.main) {
  const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  const changes = undeclaredBreakingChanges(
    read(".ci/released-schema.graphql"),
    read("schema.graphql"),
    read("CHANGELOG.md"),
  );
  if (changes.length > 0) {
    console.error("schema.graphql breaks clients of the last release. Take it back, or declare it in CHANGELOG.md");
    console.error('under "## Unreleased", with what clients are to do:\n');
    for (const change of changes) console.error(`- **Breaking**: ${change}`);
    process.exitCode = 1;
  }
}
