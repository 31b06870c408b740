import { type GraphQLObjectType, type GraphQLSchema, isInterfaceType } from "graphql";

/** Rows count from 1, so no object has it. */
const NO_ID = "0";

const GLOBAL_ID = /^(\w+):([1-9]\d{0,8})$/;

/** The row of this type that `id` stands for. What is no such id stands for one that no object has. */
export function rowIdOf(typename: string, id: string): number {
  const [, type, local = NO_ID] = GLOBAL_ID.exec(Buffer.from(id, "base64").toString()) ?? [];
  return Number(type === typename ? local : NO_ID);
}

/** The ids by which objects are told apart among all of the API. */
export class GlobalIds {
  readonly #typenames: string[] = [];

  /**
   * What `id` stands for. What is no id stands for one that no object has: to throw would cost the client the rest of its
   * answer.
   */
  readonly decode = (id: string): { typename: string; id: string } => {
    const [, typename = "", local = ""] = GLOBAL_ID.exec(Buffer.from(id, "base64").toString()) ?? [];
    if (this.#typenames.includes(typename)) return { typename, id: local };
    return { typename: this.#typenames[0] ?? "", id: NO_ID };
  };

  /**
   * Learns which types a schema has with ids, and resolves these without promises. Pothos awaits each twice: of ten
   * thousand objects that takes five times as long as any other field, and every id waits in memory for the last. The ids
   * are the same.
   */
  adopt(schema: GraphQLSchema): GraphQLSchema {
    const node = schema.getType("Node");
    for (const type of isInterfaceType(node) ? schema.getPossibleTypes(node) : []) {
      this.#typenames.push(type.name);
      resolveIdAtOnce(type);
    }
    return schema;
  }
}

/** Rows of this type as objects that are fetched by id: they say of themselves which of all types with ids they are. */
export function nodesOf<T extends object>(typename: string, rows: readonly (T | null)[]): (T | null)[] {
  return rows.map((row) => row && { __typename: typename, ...row });
}

function resolveIdAtOnce(type: GraphQLObjectType): void {
  // what `builder.node` was given
  const { id } = type.extensions.pothosOptions as { id: { resolve: (parent: unknown) => string | number } };
  const field = type.getFields().id;
  if (field) field.resolve = (parent) => btoa(`${type.name}:${id.resolve(parent)}`);
}
