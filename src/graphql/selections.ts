import type { FieldNode, GraphQLResolveInfo, SelectionSetNode } from "graphql";

/**
 * Whether something is selected below the field that is resolved: `totalCount`, or `authors` within `facets`. It counts as
 * it is written, with a directive that skips it or without. Each fragment is looked into once: those that nest multiply.
 */
export function isSelected({ fieldNodes, fragments }: GraphQLResolveInfo, ...path: readonly string[]): boolean {
  let nodes: readonly FieldNode[] = fieldNodes;
  for (const name of path) {
    const seen = new Set<string>();
    const fieldsIn = (set: SelectionSetNode | undefined): FieldNode[] =>
      (set?.selections ?? []).flatMap((selection) => {
        if (selection.kind === "Field") return selection.name.value === name ? selection : [];
        if (selection.kind === "InlineFragment") return fieldsIn(selection.selectionSet);
        const spread = selection.name.value;
        if (seen.has(spread)) return [];
        seen.add(spread);
        return fieldsIn(fragments[spread]?.selectionSet);
      });
    nodes = nodes.flatMap(({ selectionSet }) => fieldsIn(selectionSet));
  }
  return nodes.length > 0;
}
