import { writeFileSync } from "node:fs";
import { exploreAblation, exploreScenario, renderTraces } from "./traces.ts";

writeFileSync(
  new URL("TRACES.md", import.meta.url),
  renderTraces({ scenario: exploreScenario, ablation: exploreAblation }),
);
