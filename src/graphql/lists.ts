import { isBefore } from "../cqrs/code-points.ts";
import type { FacetCounts } from "../cqrs/queries/list-question.ts";
import type { Builder } from "./builder.ts";

/** A value and how often it is there. */
export interface Facet {
  readonly value: string;
  readonly count: number;
}

export function defineFacet(builder: Builder) {
  return builder.objectRef<Facet>("Facet").implement({
    description: "A value, and how many of what was found have it.",
    fields: (t) => ({
      value: t.exposeString("value", { description: "The value, as a text." }),
      count: t.exposeInt("count", { description: "How many have it, at least 1." }),
    }),
  });
}

export function defineOrderDirection(builder: Builder) {
  return builder.enumType("OrderDirection", {
    description: "Which end of an order comes first.",
    values: {
      ASC: { value: "asc", description: "From the smallest, earliest or first of the alphabet." },
      DESC: { value: "desc", description: "From the largest, latest or last of the alphabet." },
    } as const,
  });
}

/** The values that are there most often, `most` of them; of those that are as frequent, the first by code point. */
export function facetsOf(counts: FacetCounts | undefined, most: number): Facet[] {
  return [...(counts ?? [])]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || (isBefore(a.value, b.value) ? -1 : 1))
    .slice(0, most);
}
