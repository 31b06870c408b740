import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { type Ablation, ablations, redundancies } from "./ablations.ts";
import { type Exploration, explore } from "./explore.ts";
import { follow } from "./follow.ts";
import { Protocol } from "./protocol.ts";
import { everyRule, type Rules } from "./rules.ts";
import { scenarios } from "./scenarios.ts";
import type { Limits, Scenario } from "./state.ts";

/** More states than any scenario has. */
const MAX_STATES = 1_000_000;

/** Explores a scenario with every rule in. */
export function exploreScenario(scenario: Scenario): Exploration {
  return explore(new Protocol(scenario, everyRule), MAX_STATES);
}

/** Explores an ablation's scenario with its rules taken out. */
export function exploreAblation(ablation: Ablation): Exploration {
  return explore(protocolWithout(ablation), MAX_STATES);
}

function protocolWithout({ scenario, without }: Ablation): Protocol {
  const found = scenarios.find(({ name }) => name === scenario);
  if (!found) throw new RangeError(`there is no scenario ${scenario}`);
  const rules: Rules = { ...everyRule, ...Object.fromEntries(without.map((rule) => [rule, false])) };
  return new Protocol(found, rules);
}

/** Where the explorations and their document are written down. All else is the model. */
const NOT_OF_MODEL = ["follow.ts", "traces.ts", "write-traces.ts"];

/** Tells one model from another: what was explored of one says nothing of another. */
function digestOfModel(): string {
  const hash = createHash("sha256");
  for (const file of globSync("*.ts", { cwd: import.meta.dirname, exclude: NOT_OF_MODEL }).sort()) {
    hash.update(readFileSync(new URL(file, import.meta.url)));
  }
  return hash.digest("hex");
}

/** What a document of this very model says of a scenario in which nothing was violated. */
export function explorationIn(document: string, scenario: Scenario): Exploration | undefined {
  const begin = `| ${scenario.name} | ${scenario.about} | ${renderBounds(scenario)} | `;
  const line = document.split("\n").find((one) => one.startsWith(begin));
  if (!line || !isOfThisModel(document)) return undefined;
  const [states = 0, depth = 0] = line.slice(begin.length).split(" | ").map(Number.parseFloat);
  return { states, depth, violation: undefined };
}

/** Whether a document is of this very model, so that nothing of it would come out differently. */
export function isOfThisModel(document: string): boolean {
  return document.includes(digestOfModel());
}

/** What a document of this very model says that an ablation breaks, if its way leads there. */
export function violationIn(document: string, ablation: Ablation): Exploration["violation"] {
  const [, section = ""] = document.split(`\n### ${ablation.title}\n`);
  const [steps = ""] = section.split("\n### ");
  const trace = [...steps.matchAll(/^\d+\. (.*)$/gm)].map(([, step = ""]) => step);
  const says = isOfThisModel(document) && follow(protocolWithout(ablation), trace);
  return says ? { trace, says } : undefined;
}

/** The document of all explorations, `TRACES.md`. */
export function renderTraces(explored: {
  scenario: (scenario: Scenario) => Exploration;
  ablation: (ablation: Ablation) => Exploration;
}): string {
  return `# Why each rule exists

Written by \`npm run model\`; \`npm test\` fails when it is stale, and explores again what does not take long. The model's digest is
\`${digestOfModel()}\`.

\`protocol.ts\` is a model of the rules of the promise. Its interleavings are explored exhaustively, breadth first, in each
of the scenarios below: with every rule in, no read that began after an acknowledgement answers an older state, or one of
another history. With a rule taken out, one does, and the shortest way to it says why the rule exists.

How to read a trace: \`x\` and \`y\` are books, and a book's value is a letter that names the commit which wrote it. \`1:b\` is the
mark of revision 1, made by commit \`b\`; \`0:a\` is the beginning. \`N1\`, \`N2\` are names of read models; \`P1\` to \`P3\` are processes.
A lease is one or two ticks of the clock. A step is only in a trace if it must be: a process that is paused takes none.

## Scenarios

| scenario | what can happen | bounds | states | longest way |
| --- | --- | --- | --- | --- |
${scenarios.map((scenario) => renderScenario(scenario, explored.scenario(scenario))).join("\n")}

## Rules taken out
${ablations.map((ablation) => renderAblation(ablation, explored.ablation(ablation))).join("")}
## Rules that can be taken out alone

Without each of these no scenario finds a violation.

| rule | taken out | why it is a rule nevertheless |
| --- | --- | --- |
${redundancies.map(({ rule, title, why }) => `| ${rule} | ${title} | ${why} |`).join("\n")}
`;
}

function renderScenario(scenario: Scenario, { states, depth }: Exploration): string {
  return `| ${scenario.name} | ${scenario.about} | ${renderBounds(scenario)} | ${states} | ${depth} |`;
}

function renderBounds({ processes, limits, lease }: Scenario): string {
  const commands = processes.map(({ commands }, p) => (commands > 0 ? `P${p + 1}: ${count(commands, "command")}` : ""));
  const faults = Object.entries(limits).map(([kind, times]) => count(times, singular[kind as keyof Limits]));
  return [...commands, ...faults, `a lease of ${count(lease, "tick")}`].filter(Boolean).join(", ");
}

const singular: Record<keyof Limits, string> = {
  rebuilds: "rebuild",
  drops: "broken connection",
  crashes: "process crash",
  flushes: "Redis flush",
  evictions: "eviction",
  restarts: "Redis restart",
  demotions: "demotion",
  raises: "raised lease",
  restores: "restored database",
  trims: "trimming of a log",
  copies: "copy of the database",
};

function count(times: number, what: string): string {
  return times === 1 ? `1 ${what}` : `${times} ${what}s`;
}

function renderAblation(ablation: Ablation, { violation }: Exploration): string {
  const steps = violation?.trace.map((step, i) => `${i + 1}. ${step}`).join("\n");
  return `
### ${ablation.title}

Taken out of ${ablation.rule === 0 ? "the introduction" : `rule ${ablation.rule}`}: ${ablation.without.map((rule) => `\`${rule}\``).join(", ")}. ${ablation.why}

${steps}

${violation?.says} (Scenario: ${ablation.scenario}.)
`;
}
