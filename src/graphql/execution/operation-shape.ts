import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from "graphql";

/** What can be said of an operation by its text alone, each fragment counted wherever it is spread. */
export interface Shape {
  /** How deep fields are within fields. */
  readonly depth: number;
  readonly aliases: number;
  readonly rootFields: number;
  readonly selections: number;
  /** Whether it asks for the schema. */
  readonly introspects: boolean;
}

/** The same, of a selection set: `fields` are those that stand in it itself. */
interface Part extends Omit<Shape, "rootFields"> {
  readonly fields: number;
}

const NOTHING: Part = { depth: 0, aliases: 0, fields: 0, selections: 0, introspects: false };

/** A count as large as this is no longer told from larger ones. */
const LARGEST = Number.MAX_SAFE_INTEGER;

/**
 * Takes time by the length of the document only, for each fragment is looked at once. The document must be valid: no
 * fragment is within itself.
 */
export function shapeOf(document: DocumentNode, { selectionSet }: OperationDefinitionNode): Shape {
  const fragments = fragmentsOf(document);
  const parts = new Map<string, Part>();

  const ofSelections = ({ selections }: SelectionSetNode): Part => {
    let sum = NOTHING;
    for (const selection of selections) {
      sum = plus(sum, { ...NOTHING, selections: 1 });
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        sum = plus(sum, ofFragment(selection.name.value));
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        sum = plus(sum, ofSelections(selection.selectionSet));
      } else {
        const below = selection.selectionSet ? ofSelections(selection.selectionSet) : NOTHING;
        sum = plus(sum, {
          depth: below.depth + 1,
          aliases: below.aliases + (selection.alias ? 1 : 0),
          fields: 1,
          selections: below.selections,
          introspects: below.introspects || /^__(schema|type)$/.test(selection.name.value),
        });
      }
    }
    return sum;
  };

  const ofFragment = (name: string): Part => {
    let part = parts.get(name);
    if (!part) {
      const fragment = fragments.get(name);
      part = fragment ? ofSelections(fragment.selectionSet) : NOTHING;
      parts.set(name, part);
    }
    return part;
  };

  const { fields, ...shape } = ofSelections(selectionSet);
  return { ...shape, rootFields: fields };
}

/** The fragments of a document by name. */
export function fragmentsOf({ definitions }: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> {
  const fragments = definitions.filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION);
  return new Map(fragments.map((fragment) => [fragment.name.value, fragment]));
}

function plus(one: Part, other: Part): Part {
  return {
    depth: Math.max(one.depth, other.depth),
    aliases: Math.min(one.aliases + other.aliases, LARGEST),
    fields: Math.min(one.fields + other.fields, LARGEST),
    selections: Math.min(one.selections + other.selections, LARGEST),
    introspects: one.introspects || other.introspects,
  };
}
