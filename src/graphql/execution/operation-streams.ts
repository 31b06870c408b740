import {
  type DocumentNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from "graphql";
import { fragmentsOf } from "./operation-shape.ts";

/**
 * The streams that the root fields of an operation are of: one of each list is enough. A field that is of no one stream, as
 * `node` is, may read any; those that ask for the schema read none, and have one list of all. The document must be valid.
 */
export function streamsOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  { operation, selectionSet }: OperationDefinitionNode,
  all: readonly string[],
): readonly (readonly string[])[] {
  const fields = schema.getRootType(operation)?.getFields() ?? {};
  const fragments = fragmentsOf(document);
  const spread = new Set<string>();
  const found = new Map<string, readonly string[]>();
  const look = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        const { value: name } = selection.name;
        const stream = fields[name]?.extensions.stream;
        if (name.startsWith("__")) found.set(name, all);
        else for (const one of typeof stream === "string" ? [stream] : all) found.set(one, [one]);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        look(selection.selectionSet);
      } else if (!spread.has(selection.name.value)) {
        spread.add(selection.name.value);
        const fragment = fragments.get(selection.name.value);
        if (fragment) look(fragment.selectionSet);
      }
    }
  };
  look(selectionSet);
  return [...found.values()];
}
