import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { DEFAULT_FAULT_NAMES } from "../../proof/torture/nemesis/nemesis.ts";
import { keepEvidence, keepingDirectory, reportOf, showViolations } from "../../proof/torture/report.ts";
import { run } from "../../proof/torture/run.ts";
import { engine } from "../support/database/database.ts";

/** As long as a test run can bear; `npm run torture` has more patience. */
const SECONDS = 5;

test("a short torture breaks no rule", { timeout: 240_000 }, async () => {
  const result = await run({
    engine,
    seed: 2,
    ms: SECONDS * 1000,
    processes: 3,
    bare: 0,
    leaseMs: 200,
    clients: 6,
    rate: 40,
    faults: DEFAULT_FAULT_NAMES,
    scrubMs: 20_000,
    foreignMs: 3000,
    apart: false,
  });
  const evidence = () => {
    const directory = keepingDirectory(tmpdir(), result.options);
    keepEvidence(result, directory);
    return `${showViolations(result)}\n${reportOf(result)}\nwhat was kept is in ${directory}`;
  };
  expect(result.history.evidence.count === 0 || evidence()).toBe(true);
});
