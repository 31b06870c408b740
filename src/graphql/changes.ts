import type { LoggedChange } from "../cqrs/change.ts";
import type { Builder } from "./builder.ts";

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
export function defineChange<T extends object, Ref extends PothosSchemaTypes.ObjectRef<SchemaTypes, T>>(
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

type SchemaTypes = Builder extends PothosSchemaTypes.SchemaBuilder<infer Types> ? Types : never;
