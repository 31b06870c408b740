import {
  type ArgumentNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isLeafType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  valueFromASTUntyped,
} from "graphql";
import { type Arguments, type Field, isList, type ListSize, type ListSizes } from "./list-sizes.ts";
import { fragmentsOf } from "./operation-shape.ts";

/** A mutation's field writes, which takes about ten times what a field that reads takes with all its share. */
const MUTATION_FIELD = 10;

/** A cost as large as this is no longer told from larger ones. It is a whole number in JSON, too. */
const LARGEST = Number.MAX_SAFE_INTEGER;

/** What an operation costs with these variables, which are as the client sent them. A number if it is always that. */
export type OperationCost = number | ((variables: Arguments) => number);

/** The cost of a selection set for one object. */
interface Cost {
  /** What is selected, with everything below it. */
  readonly own: number;
  /** What is selected of each entry of the object's lists, where the field that returned the object has their size. */
  readonly listed: number;
}

const NOTHING: Cost = { own: 0, listed: 0 };

/** One evaluation: each fragment is evaluated once, wherever and however often it is spread. */
interface Run {
  readonly variables: Arguments;
  readonly done: Map<Later, Cost>;
}

/** A cost that follows from variables. */
type Later = (run: Run) => Cost;

type Add = (sum: { own: number; listed: number }, run: Run) => void;

/**
 * What an operation may cost, known before any of it runs: each field costs 1, for each object that it may be asked of.
 * Selections count as they are written, each fragment wherever it is spread: what is selected twice counts twice, and so
 * does what is selected for several types, of which an object can only be one. So the cost is never too low, and to find
 * it takes time by the length of the document only, whatever its fragments multiply to.
 */
export function costOf(
  schema: GraphQLSchema,
  sizes: ListSizes,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): OperationCost {
  const root = schema.getRootType(operation.operation);
  if (!root) return 0;
  const cost = new Costs(schema, sizes, document).ofSelections(operation.selectionSet, root, false);
  if (typeof cost !== "function") return Math.ceil(cost.own);
  const defaults = (operation.variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
    defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)] as const] : [],
  );
  const given = Object.fromEntries(defaults);
  return (variables) => Math.ceil(cost({ variables: { ...given, ...variables }, done: new Map() }).own);
}

/** Computes costs of one document. It must be valid, so no fragment is within itself. */
class Costs {
  readonly #schema: GraphQLSchema;
  readonly #sizes: ListSizes;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #costs = new Map<string, Cost | Later>();

  constructor(schema: GraphQLSchema, sizes: ListSizes, document: DocumentNode) {
    this.#schema = schema;
    this.#sizes = sizes;
    this.#fragments = fragmentsOf(document);
  }

  /** What is selected of one object; `ofAll` if it stands for all objects of its kind in the schema. */
  ofSelections({ selections }: SelectionSetNode, parent: GraphQLCompositeType, ofAll: boolean): Cost | Later {
    const sum = { own: 0, listed: 0 };
    const later: Add[] = [];
    for (const selection of selections) {
      const cost = this.#of(selection, parent, ofAll);
      if (typeof cost === "function") later.push((total, run) => add(total, once(cost, run)));
      else add(sum, cost);
    }
    if (later.length === 0) return sum;
    return (run) => {
      const total = { ...sum };
      for (const addTo of later) addTo(total, run);
      return total;
    };
  }

  #of(selection: SelectionNode, parent: GraphQLCompositeType, ofAll: boolean): Cost | Later {
    switch (selection.kind) {
      case Kind.FIELD:
        return this.#ofField(selection, parent, ofAll);
      case Kind.INLINE_FRAGMENT:
        return this.ofSelections(
          selection.selectionSet,
          this.#typeNamed(selection.typeCondition?.name.value) ?? parent,
          ofAll,
        );
      case Kind.FRAGMENT_SPREAD:
        return this.#ofFragment(selection.name.value, ofAll);
    }
  }

  #ofFragment(name: string, ofAll: boolean): Cost | Later {
    const key = `${name} ${ofAll}`;
    let cost = this.#costs.get(key);
    if (!cost) {
      const fragment = this.#fragments.get(name);
      const type = this.#typeNamed(fragment?.typeCondition.name.value);
      cost = fragment && type ? this.ofSelections(fragment.selectionSet, type, ofAll) : NOTHING;
      this.#costs.set(key, cost);
    }
    return cost;
  }

  #ofField(node: FieldNode, parent: GraphQLCompositeType, ofAll: boolean): Cost | Later {
    const field = this.#schema.getField(parent, node.name.value);
    if (!field) return { own: 1, listed: 0 };
    const alone = field.extensions.cost ?? (parent === this.#schema.getMutationType() ? MUTATION_FIELD : 1);
    const size = sizeIn(node, this.#sizes.of(field, ofAll));
    const below = this.#ofObject(node, field, this.#sizes.returnsAll(field, ofAll));
    if (typeof size !== "function" && typeof below !== "function") return ofField(field, alone, size, below);
    return (run) =>
      ofField(
        field,
        alone,
        typeof size === "function" ? size(run.variables) : size,
        typeof below === "function" ? once(below, run) : below,
      );
  }

  /** What is selected of one object, or of one entry of a list. */
  #ofObject({ selectionSet }: FieldNode, field: Field, ofAll: boolean): Cost | Later {
    const type = getNamedType(field.type);
    if (isLeafType(type)) return { own: isList(field) ? 1 : 0, listed: 0 };
    return selectionSet ? this.ofSelections(selectionSet, type as GraphQLCompositeType, ofAll) : NOTHING;
  }

  #typeNamed(name: string | undefined): GraphQLCompositeType | undefined {
    const type = name === undefined ? undefined : this.#schema.getType(name);
    return isCompositeType(type) ? type : undefined;
  }
}

function ofField(field: Field, alone: number, size: number | undefined, below: Cost): Cost {
  if (!isList(field)) return { own: capped(alone + below.own + below.listed * (size ?? 0)), listed: 0 };
  if (size === undefined) return { own: alone, listed: below.own };
  return { own: capped(alone + below.own * size), listed: 0 };
}

/** `size` with the arguments of `node`; a number if no variable is among them. */
function sizeIn(node: FieldNode, size: ListSize | undefined): number | undefined | ((variables: Arguments) => number) {
  if (typeof size !== "function") return size;
  const args = node.arguments ?? [];
  if (!args.some(({ value }) => hasVariable(value))) return size(valuesOf(args, {}));
  return (variables) => size(valuesOf(args, variables));
}

function valuesOf(args: readonly ArgumentNode[], variables: Arguments): Arguments {
  return Object.fromEntries(args.map(({ name, value }) => [name.value, valueFromASTUntyped(value, variables)]));
}

function hasVariable(value: ArgumentNode["value"]): boolean {
  if (value.kind === Kind.LIST) return value.values.some(hasVariable);
  if (value.kind === Kind.OBJECT) return value.fields.some((field) => hasVariable(field.value));
  return value.kind === Kind.VARIABLE;
}

function once(cost: Later, run: Run): Cost {
  let done = run.done.get(cost);
  if (!done) {
    done = cost(run);
    run.done.set(cost, done);
  }
  return done;
}

function add(sum: { own: number; listed: number }, { own, listed }: Cost): void {
  sum.own = capped(sum.own + own);
  sum.listed = capped(sum.listed + listed);
}

function capped(cost: number): number {
  return Math.min(cost, LARGEST);
}
