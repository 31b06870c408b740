import type { Decisions } from "../../../src/cqrs/decisions.ts";

/** An instance with its key, as it is to be. */
interface Whole {
  readonly id: number;
  readonly key: string;
}

/** Adds an instance, or puts it in the place of the one that has its key. */
export interface PutCommand {
  readonly kind: "put";
  readonly instance: { readonly key: string };
}

export const decisions: Decisions<Whole, PutCommand, never> = {
  module: import.meta.url,
  keys: ({ instance }) => ({ key: [instance.key] }),
  adds: () => true,
  decide({ instance }, found) {
    const before = found.find("key", instance.key);
    return before ? { kind: "update", before, after: { ...before, ...instance } } : { kind: "add", after: instance };
  },
};
