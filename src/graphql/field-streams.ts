import type { GraphQLSchema } from "graphql";
import type { Builder } from "./builder.ts";

/** The methods by which a module defines what stands at the root. */
const OF_ONE = ["queryField", "mutationField", "subscriptionField"] as const;
const OF_MANY = ["queryFields", "mutationFields", "subscriptionFields"] as const;

type Define = (name: string, field: unknown) => unknown;
type DefineMany = (fields: (t: unknown) => object) => unknown;

/** Which stream each field at the root is of: that of the module that defines it, which need not say so. */
export class FieldStreams {
  readonly #streams = new Map<string, string>();

  /** The builder, as a module is given it: what it defines by this one is its own. */
  builderFor(stream: string, builder: Builder): Builder {
    const noting: Record<string, unknown> = {};
    for (const method of OF_ONE) {
      const define = builder[method].bind(builder) as Define;
      noting[method] = (name: string, field: unknown) => {
        this.#streams.set(name, stream);
        return define(name, field);
      };
    }
    for (const method of OF_MANY) {
      const define = builder[method].bind(builder) as DefineMany;
      noting[method] = (fields: (t: unknown) => object) =>
        define((t) => {
          const defined = fields(t);
          for (const name of Object.keys(defined)) this.#streams.set(name, stream);
          return defined;
        });
    }
    return new Proxy(builder, {
      get: (target, name) => {
        if (typeof name === "string" && name in noting) return noting[name];
        const value = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  /** Has each field of the schema say whose it is. */
  mark(schema: GraphQLSchema): GraphQLSchema {
    for (const root of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]) {
      for (const field of Object.values(root?.getFields() ?? {})) {
        const stream = this.#streams.get(field.name);
        if (stream !== undefined) field.extensions = { ...field.extensions, stream };
      }
    }
    return schema;
  }
}
