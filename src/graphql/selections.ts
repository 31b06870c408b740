import { type FieldNode, type GraphQLResolveInfo, Kind, type SelectionNode, type SelectionSetNode } from "graphql";

/**
 * Whether something is selected below the field that is resolved, and not skipped: `totalCount`, or `authors` within
 * `facets`. Each fragment is looked into once: those that nest multiply.
 */
export function isSelected(info: GraphQLResolveInfo, ...path: readonly string[]): boolean {
  const variables = valuesOf(info);
  let nodes: readonly FieldNode[] = info.fieldNodes;
  for (const name of path) {
    const seen = new Set<string>();
    const fieldsIn = (set: SelectionSetNode | undefined): FieldNode[] =>
      (set?.selections ?? []).flatMap((selection) => {
        if (isSkipped(selection, variables)) return [];
        if (selection.kind === Kind.FIELD) return selection.name.value === name ? selection : [];
        if (selection.kind === Kind.INLINE_FRAGMENT) return fieldsIn(selection.selectionSet);
        const spread = selection.name.value;
        if (seen.has(spread)) return [];
        seen.add(spread);
        return fieldsIn(info.fragments[spread]?.selectionSet);
      });
    nodes = nodes.flatMap(({ selectionSet }) => fieldsIn(selectionSet));
  }
  return nodes.length > 0;
}

type Variables = Readonly<Record<string, unknown>>;

/** graphql-jit has the values themselves where graphql tells where each comes from. */
function valuesOf({ variableValues }: GraphQLResolveInfo): Variables {
  return "sources" in variableValues && "coerced" in variableValues
    ? (variableValues.coerced as Variables)
    : (variableValues as Variables);
}

function isSkipped({ directives = [] }: SelectionNode, variables: Variables): boolean {
  return directives.some(({ name, arguments: [condition] = [] }) => {
    const value = condition?.value;
    const given =
      value?.kind === Kind.VARIABLE ? variables[value.name.value] : value?.kind === Kind.BOOLEAN && value.value;
    return (name.value === "skip" && given === true) || (name.value === "include" && given === false);
  });
}
