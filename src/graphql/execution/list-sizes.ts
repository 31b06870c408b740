import {
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isObjectType,
} from "graphql";

/** Arguments as a client sent them, variables put in: they may be of any type. */
export type Arguments = Readonly<Record<string, unknown>>;

/**
 * How many entries a list may have, as its field declares it in `extensions.listSize`: a number, or one that follows
 * from the arguments. On a field that is no list it stands for the lists of the object that the field returns.
 */
export type ListSize = number | ((args: Arguments) => number);

/** A field of an output type. */
export type Field = GraphQLField<unknown, unknown>;

declare module "graphql" {
  interface GraphQLFieldExtensions<_TSource, _TContext, _TArgs> {
    readonly listSize?: ListSize;
    /** What the field costs by itself, where it takes more than most: 1 is what those cost. */
    readonly cost?: number;
  }
}

/** The sizes of all lists of a schema, those of introspection included. */
export class ListSizes {
  readonly #introspection: ReadonlyMap<Field, IntrospectionList>;

  /** @throws RangeError when a list has no size: then no cost could be known */
  constructor(schema: GraphQLSchema) {
    this.#introspection = introspectionLists(schema);
    const unsized = unsizedLists(schema, this);
    if (unsized.length > 0) throw new RangeError(`no list size is declared for ${unsized.join(", ")}`);
  }

  /** The size of a field's list; `ofAll` if the field is asked of all objects of their kind in the schema. */
  of(field: Field, ofAll: boolean): ListSize | undefined {
    const list = this.#introspection.get(field);
    return list ? (ofAll ? list.mean : list.longest) : field.extensions.listSize;
  }

  /** Whether a field returns all objects of their kind in the schema. */
  returnsAll(field: Field, ofAll: boolean): boolean {
    const all = this.#introspection.get(field)?.returnsAll;
    return all === true || (all === "of all" && ofAll);
  }
}

export function isList({ type }: Field): boolean {
  return isListType(getNullableType(type));
}

/**
 * One of GraphQL's own lists. Of one object it has as many entries as the longest of its kind; of all objects together
 * as many as the mean says.
 */
interface IntrospectionList {
  readonly longest: number;
  readonly mean: number;
  readonly returnsAll: boolean | "of all";
}

function introspectionLists(schema: GraphQLSchema): Map<Field, IntrospectionList> {
  const types = Object.values(schema.getTypeMap());
  const fields = types.flatMap((type) => (hasFields(type) ? Object.values(type.getFields()) : []));
  const directives = schema.getDirectives();
  const sizes: Readonly<Record<string, readonly number[]>> = {
    "__Schema.types": [types.length],
    "__Schema.directives": [directives.length],
    "__Type.fields": types.map((type) => (hasFields(type) ? Object.keys(type.getFields()).length : 0)),
    "__Type.interfaces": types.map((type) => (hasFields(type) ? type.getInterfaces().length : 0)),
    "__Type.possibleTypes": types.map((type) => (isAbstractType(type) ? schema.getPossibleTypes(type).length : 0)),
    "__Type.enumValues": types.map((type) => (isEnumType(type) ? type.getValues().length : 0)),
    "__Type.inputFields": types.map((type) => (isInputObjectType(type) ? Object.keys(type.getFields()).length : 0)),
    "__Field.args": fields.map(({ args }) => args.length),
    "__Directive.args": directives.map(({ args }) => args.length),
    "__Directive.locations": directives.map(({ locations }) => locations.length),
  };
  const lists = Object.entries(sizes).map(([name, lengths]) => {
    const [type = "", field = ""] = name.split(".");
    const sum = lengths.reduce((total, length) => total + length, 0);
    const list: IntrospectionList = {
      longest: Math.max(...lengths),
      mean: sum / lengths.length,
      returnsAll: name === "__Schema.types" || (name === "__Type.fields" && "of all"),
    };
    return [(schema.getType(type) as GraphQLObjectType).getFields()[field] as Field, list] as const;
  });
  return new Map(lists);
}

/** The lists whose size is declared neither at their field nor at all fields that return their object. */
function unsizedLists(schema: GraphQLSchema, sizes: ListSizes): string[] {
  const types = Object.values(schema.getTypeMap()).filter(hasFields);
  const fields = types.flatMap((type) => Object.values(type.getFields()));
  return types.flatMap((type) => {
    const returning = fields.filter((field) => getNamedType(field.type) === type);
    const isSizedByParent =
      returning.length > 0 && returning.every((field) => !isList(field) && sizes.of(field, false));
    return Object.values(type.getFields())
      .filter((field) => isList(field) && sizes.of(field, false) === undefined && !isSizedByParent)
      .map(({ name }) => `${type.name}.${name}`);
  });
}

function hasFields(type: GraphQLNamedType) {
  return isObjectType(type) || isInterfaceType(type);
}
