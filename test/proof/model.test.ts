import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Ablation, ablations, redundancies } from "../../proof/model/ablations.ts";
import type { Exploration } from "../../proof/model/explore.ts";
import { everyRule } from "../../proof/model/rules.ts";
import { scenarios } from "../../proof/model/scenarios.ts";
import type { Scenario } from "../../proof/model/state.ts";
import {
  explorationIn,
  exploreAblation,
  exploreScenario,
  isOfThisModel,
  renderTraces,
  violationIn,
} from "../../proof/model/traces.ts";

const found = new Map<Scenario | Ablation, Exploration>();
const document = readFileSync(new URL("../../proof/model/TRACES.md", import.meta.url), "utf8");

/** Scenarios with more states are left to `npm run model`, as long as it has explored this very model. */
const MOST_STATES = 10_000;

describe("with every rule in", () => {
  test.each(scenarios)("nothing is violated in “$name”", (scenario) => {
    const known = explorationIn(document, scenario);
    const exploration = known && known.states > MOST_STATES ? known : exploreScenario(scenario);
    found.set(scenario, exploration);
    expect(exploration.violation).toBeUndefined();
  });
});

describe("with a rule taken out", () => {
  test.each(ablations)("there is a violation: $title", (ablation) => {
    // the way that was found is walked again, which takes no looking for
    const violation = violationIn(document, ablation) ?? exploreAblation(ablation).violation;
    found.set(ablation, { states: 0, depth: 0, violation });
    expect(violation).toBeDefined();
  });

  test.skipIf(isOfThisModel(document)).each(redundancies)("there is none: $title", (ablation) => {
    expect(exploreAblation(ablation).violation).toBeUndefined();
  });
});

test("each rule of the model is taken out somewhere", () => {
  const takenOut = new Set([...ablations, ...redundancies].flatMap(({ without }) => without));
  expect([...takenOut].sort()).toEqual(Object.keys(everyRule).sort());
});

test("each scenario can show a violation", () => {
  expect(new Set(ablations.map(({ scenario }) => scenario))).toEqual(new Set(scenarios.map(({ name }) => name)));
});

test("TRACES.md is what `npm run model` writes", () => {
  const lookUp = (key: Scenario | Ablation) => found.get(key) as Exploration;
  expect(document).toBe(renderTraces({ scenario: lookUp, ablation: lookUp }));
});
