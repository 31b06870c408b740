import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Names the file in which `GraphqlClient` notes every operation that it sends; it goes when the run ends. */
export default function makeRecord(): () => void {
  const directory = mkdtempSync(join(tmpdir(), "books-record-"));
  process.env.OPERATIONS_RECORD = join(directory, "operations.jsonl");
  return () => rmSync(directory, { recursive: true, force: true });
}
