import SchemaBuilder from "@pothos/core";
import ErrorsPlugin from "@pothos/plugin-errors";
import RelayPlugin from "@pothos/plugin-relay";
import type { Consistency } from "../cqrs/consistency.ts";
import { ServiceError } from "../cqrs/errors.ts";
import type { Handlers } from "../cqrs/handlers.ts";
import type { GlobalIds } from "./global-ids.ts";

/**
 * How many objects one request may have fetched by id: each takes ten times what an entry of a list does. It is also less
 * than what a statement can bind, which on SQLite is 32,766 values.
 */
const MAX_IDS = 10_000;
const idsAsked = new WeakMap<Consistency, number>();

/** What every resolver gets: the handlers, of which it takes its aggregate's by their keys, and its part of the promise. */
export interface Context {
  readonly handlers: Handlers;
  readonly consistency: Consistency;
  /** Of a subscription that goes on after a connection was lost: the last revision that its client was told of. */
  readonly resumeAt?: number | undefined;
}

/** The options of every schema builder here; the schema itself is put together in `schema.ts`. */
export function createBuilder(ids: GlobalIds) {
  return new SchemaBuilder<{
    Context: Context;
    DefaultFieldNullability: false;
    Scalars: {
      Date: { Input: string; Output: string };
      DateTime: { Input: string; Output: string };
      Revision: { Input: number; Output: number };
      JSON: { Input: unknown; Output: unknown };
      ID: { Input: string; Output: string | number };
    };
  }>({
    plugins: [ErrorsPlugin, RelayPlugin],
    defaultFieldNullability: false,
    errors: { directResult: true },
    relay: {
      idFieldOptions: { description: "Identifies the object among all objects of the API." },
      nodeTypeOptions: { description: "An object that can be fetched again by its id." },
      nodeQueryOptions: {
        description: "The object with this id, or null when there is none.",
        args: { id: { description: "The `id` of an object." } },
      },
      nodesQueryOptions: {
        extensions: { listSize: largestIdList },
        // an error in it shall not cost the client the rest of its answer
        nullable: { list: true, items: true },
        description: "The objects with these ids, in the order of the ids; null where there is none.",
        args: { ids: { description: "The `id`s of objects, at most 10,000 in a request." } },
        resolve: (_, { ids }, { consistency }, __, resolveNodes) => {
          const asked = (idsAsked.get(consistency) ?? 0) + ids.length;
          if (asked > MAX_IDS)
            throw new ServiceError("BAD_USER_INPUT", `ids may be ${MAX_IDS} in one request, not ${asked}.`);
          idsAsked.set(consistency, asked);
          return resolveNodes(ids);
        },
      },
      pageInfoTypeOptions: { description: "Where a page stands in its connection." },
      hasNextPageFieldOptions: { description: "Whether there is something after this page." },
      hasPreviousPageFieldOptions: { description: "Whether there is something before this page." },
      startCursorFieldOptions: { description: "The cursor of the page's first edge; null for an empty page." },
      endCursorFieldOptions: { description: "The cursor of the page's last edge; null for an empty page." },
      firstArgOptions: { description: "How many to take from the start of the range, 0 to 500." },
      lastArgOptions: { description: "How many to take from the end of the range, 0 to 500." },
      afterArgOptions: { description: "Only what comes after this cursor." },
      beforeArgOptions: { description: "Only what comes before this cursor." },
      pageInfoFieldOptions: { description: "Where the page stands." },
      edgesFieldOptions: { description: "The page's entries." },
      nodesOnConnection: { description: "The page's objects, without their cursors." },
      nodeFieldOptions: { description: "The object itself." },
      cursorFieldOptions: { description: "Where the object stands; stays valid across writes." },
      cursorType: "String",
      // types say themselves what is theirs; a mark on each object loads the garbage collector
      brandLoadedObjects: false,
      decodeGlobalID: ids.decode,
    },
  });
}

/** What is no list stands for a list of one. */
function largestIdList({ ids }: Readonly<Record<string, unknown>>): number {
  return Array.isArray(ids) ? Math.min(ids.length, MAX_IDS) : 1;
}

export type Builder = ReturnType<typeof createBuilder>;
