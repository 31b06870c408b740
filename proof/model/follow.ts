import type { Model } from "./explore.ts";

/** What the last of these steps breaks, if they can be taken one after the other. Several steps may read alike. */
export function follow<State>(model: Model<State>, trace: readonly string[]): string | undefined {
  let states = [model.initial];
  let broken: string | undefined;
  for (const told of trace) {
    const next: State[] = [];
    broken = undefined;
    for (const state of states) {
      model.steps(state, (successor, says, violation) => {
        if (says() !== told) return;
        next.push(successor);
        broken ??= violation;
      });
    }
    states = next;
  }
  return broken;
}
