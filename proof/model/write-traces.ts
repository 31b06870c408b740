import { writeFileSync } from "node:fs";
import { redundancies } from "./ablations.ts";
import { exploreAblation, exploreScenario, renderTraces } from "./traces.ts";

for (const redundancy of redundancies) {
  const { violation } = exploreAblation(redundancy);
  if (violation) throw new Error(`“${redundancy.title}” is no redundancy: ${violation.says}`);
}

writeFileSync(
  new URL("TRACES.md", import.meta.url),
  renderTraces({ scenario: exploreScenario, ablation: exploreAblation }),
);
