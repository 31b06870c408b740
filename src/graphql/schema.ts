import type { GraphQLSchema } from "graphql";
import type { Settings } from "../settings.ts";
import { type Builder, createBuilder } from "./builder.ts";
import { type ChangeKindRef, defineChangeKind } from "./changes.ts";
import type { ErrorCode } from "./error-codes.ts";
import { FieldStreams } from "./field-streams.ts";
import { defineFormField } from "./form.ts";
import { GlobalIds } from "./global-ids.ts";
import { defineFacet, defineOrderDirection } from "./lists.ts";
import { defineRefusals } from "./refusals.ts";
import { defineScalars } from "./scalars.ts";

/** What the schema must know of the configuration. */
export interface SchemaConfig {
  readonly settings: Settings;
}

/** The types that belong to no aggregate. */
export interface SharedTypes {
  /** The interface that every refusal implements. */
  readonly error: ReturnType<typeof defineRefusals>;
  readonly formField: ReturnType<typeof defineFormField>;
  /** What a change can have done. */
  readonly changeKind: ChangeKindRef;
  readonly facet: ReturnType<typeof defineFacet>;
  readonly orderDirection: ReturnType<typeof defineOrderDirection>;
}

/** A module's part of the schema. */
export interface SchemaModule {
  /** What its fields at the root read and write. */
  readonly stream: { readonly name: string };
  /** How many fields its largest input has. */
  readonly inputFields: number;
  /** The codes of errors that are its own. */
  readonly errorCodes: Readonly<Record<string, ErrorCode>>;
  /** The codes of its refusals, and what each means. */
  readonly refusalCodes: Readonly<Record<string, string>>;
  /** Defines its types, queries, mutations and subscriptions. */
  defineTypes(builder: Builder, shared: SharedTypes, config: SchemaConfig): void;
}

/** The GraphQL schema. Resolvers find the handlers in the context, so it needs no database to be built or printed. */
export function buildSchema(modules: readonly SchemaModule[], config: SchemaConfig): GraphQLSchema {
  const ids = new GlobalIds();
  const builder = createBuilder(ids);
  builder.queryType({ description: "Everything that can be read." });
  builder.mutationType({ description: "Everything that can be changed." });
  builder.subscriptionType({ description: "Everything that is told of as it happens." });
  defineScalars(builder);
  const shared = sharedTypes(builder, modules);
  const streams = new FieldStreams();
  for (const module of modules) module.defineTypes(streams.builderFor(module.stream.name, builder), shared, config);
  return ids.adopt(streams.mark(builder.toSchema({ sortSchema: false })));
}

/** Each is defined when a module first asks for it: it then stands there in the printed schema. */
function sharedTypes(builder: Builder, modules: readonly SchemaModule[]): SharedTypes {
  const inputFields = Math.max(...modules.map((module) => module.inputFields));
  const codes: Record<string, string> = {};
  for (const { errorCodes, refusalCodes } of modules) {
    for (const [code, { description }] of Object.entries(errorCodes)) codes[code] = description;
    Object.assign(codes, refusalCodes);
  }
  let error: SharedTypes["error"] | undefined;
  let formField: SharedTypes["formField"] | undefined;
  let changeKind: SharedTypes["changeKind"] | undefined;
  let facet: SharedTypes["facet"] | undefined;
  let orderDirection: SharedTypes["orderDirection"] | undefined;
  return {
    get error() {
      error ??= defineRefusals(builder, inputFields, codes);
      return error;
    },
    get formField() {
      formField ??= defineFormField(builder);
      return formField;
    },
    get changeKind() {
      changeKind ??= defineChangeKind(builder);
      return changeKind;
    },
    get facet() {
      facet ??= defineFacet(builder);
      return facet;
    },
    get orderDirection() {
      orderDirection ??= defineOrderDirection(builder);
      return orderDirection;
    },
  };
}
