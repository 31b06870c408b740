import type { LoggedChange } from "../cqrs/change.ts";
import type { Keyed } from "../cqrs/instances.ts";
import type { PastPage } from "../cqrs/queries/log-reads.ts";
import type { Builder, Context } from "./builder.ts";
import { Cursors, type PlaceForm } from "./cursors.ts";
import { connectionOf, DEFAULT_PAGE, largestPage, pageRange, pageSize } from "./page.ts";

/** What a change is shown as. A checkpoint changes nothing: it tells a subscriber how far it has come. */
export type ShownChange<T> = Omit<LoggedChange<T>, "kind"> & { readonly kind: LoggedChange<T>["kind"] | "checkpoint" };

/** Defines what can become of an instance, the same for all aggregates. */
export function defineChangeKind(builder: Builder) {
  return builder.enumType("ChangeKind", {
    description: "What a change has done.",
    values: {
      ADDED: { value: "add", description: "There was none before." },
      UPDATED: { value: "update", description: "It has become another." },
      DELETED: { value: "delete", description: "There is none after." },
      CHECKPOINT: {
        value: "checkpoint",
        description: "Nothing: a subscription has come this far, and nothing that it asks for has changed.",
      },
    } as const,
  });
}

export type ChangeKindRef = ReturnType<typeof defineChangeKind>;

/** Defines the type `name` of the changes of what `instance` stands for, which people call `noun`. */
export function defineChange<T extends object, Ref extends InstanceRef<T>>(
  builder: Builder,
  changeKind: ChangeKindRef,
  name: string,
  noun: string,
  instance: Ref,
) {
  return builder.objectRef<ShownChange<T>>(name).implement({
    description: `One change of a ${noun}, as the log of all changes has it.`,
    fields: (t) => ({
      revision: t.expose("revision", {
        type: "Revision",
        description: "The revision that the change made; there is one change for each.",
      }),
      kind: t.expose("kind", { type: changeKind, description: "What it has done." }),
      before: t.field({
        type: instance,
        nullable: true,
        description: `The ${noun} as it was; null where there was none.`,
        resolve: ({ before }) => before as never,
      }),
      after: t.field({
        type: instance,
        nullable: true,
        description: `The ${noun} as it then was; null where there was none.`,
        resolve: ({ after }) => after as never,
      }),
      at: t.expose("at", { type: "DateTime", description: "When it was made, by the clock of the process that did." }),
      who: t.exposeString("who", {
        nullable: true,
        description: "Who has made it, as the token said; null where nobody had to say, or it is not kept.",
      }),
    }),
  });
}

/** A page of a history: how many changes at most, and before which revision. */
export interface HistoryPage {
  readonly limit: number;
  readonly before: number | undefined;
}

/**
 * Defines `history` of what `instance` stands for, which is read by `read` and has the connection type `name` with
 * `Connection` at its end.
 */
export function defineHistory<T extends Keyed, Ref extends InstanceRef<T>>(
  builder: Builder,
  name: string,
  noun: string,
  instance: Ref,
  change: ChangeRef<T>,
  read: (instance: T, page: HistoryPage, context: Context) => Promise<PastPage<T>>,
): void {
  const connection = builder.connectionObject(
    {
      type: change,
      name: `${name}Connection`,
      description: `A page of what became of a ${noun}, the newest change first.`,
    },
    { description: "A change and where it stands." },
  );
  builder.objectField(instance as never, "history", (t) =>
    t.field({
      type: connection,
      description:
        `What became of this ${noun}, under whichever title, the newest change first, as far back as changes are kept. ` +
        "Without `first` a page has 50 changes.",
      args: {
        first: t.arg.int({ description: "How many to take, 0 to 500." }),
        after: t.arg.string({ description: "Only what comes after this cursor, which are older changes." }),
      },
      extensions: { listSize: largestPage },
      resolve: async (parent, args, context) => {
        const instance = parent as T;
        const cursors = new Cursors({ history: name, of: instance.id }, PLACES);
        const { limit, after } = pageRange(args, cursors);
        const { changes, hasNewer, hasOlder } = await read(instance, { limit, before: after }, context);
        const places = changes.map(({ revision }) => revision);
        const page = { rows: changes, places, hasBefore: hasNewer, hasAfter: hasOlder };
        return connectionOf(page, args, cursors) as never;
      },
    }),
  );
}

/** Defines the query `name` of all changes after a revision, which people call those of `nouns`. */
export function defineChangeList<T extends object>(
  builder: Builder,
  name: string,
  nouns: string,
  change: ChangeRef<T>,
  read: (after: number, limit: number, context: Context) => Promise<readonly ShownChange<T>[]>,
): void {
  builder.queryField(name, (t) =>
    t.field({
      type: [change],
      // an error in it shall not cost the client the rest of its answer
      nullable: true,
      description:
        `The changes of all ${nouns} after a revision, the oldest first; fewer than were asked for when there are no more. ` +
        "Who asks again after the last one's revision misses none.",
      args: {
        after: t.arg({
          type: "Revision",
          required: true,
          description: "The revision to begin after; 0 is the beginning.",
        }),
        first: t.arg.int({ description: "How many to take, 0 to 500; 50 if it is not given." }),
      },
      extensions: { listSize: largestPage },
      resolve: async (_, { after, first }, context) => [...(await read(after, limitOf(first), context))],
    }),
  );
}

/** The place of a change is the revision that it made. */
const PLACES: PlaceForm<number> = {
  valuesOf: (revision) => [revision],
  placeOf: ([revision]) =>
    Number.isSafeInteger(revision) && (revision as number) > 0 ? (revision as number) : undefined,
};

function limitOf(first: number | null | undefined): number {
  return pageSize("first", first) ?? DEFAULT_PAGE;
}

type SchemaTypes = Builder extends PothosSchemaTypes.SchemaBuilder<infer Types> ? Types : never;
type InstanceRef<T> = PothosSchemaTypes.ObjectRef<SchemaTypes, T>;
type ChangeRef<T> = PothosSchemaTypes.ObjectRef<SchemaTypes, ShownChange<T>>;
