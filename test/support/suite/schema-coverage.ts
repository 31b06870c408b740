import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  valueFromASTUntyped,
} from "graphql";

/** An operation that was sent, and what it was answered. */
export interface SentOperation {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly data?: unknown;
}

/**
 * Which parts of a schema operations have exercised: a field when it was selected, an argument or input field when it
 * was given, an enum value when it was given or answered, a union member when it was answered.
 */
export class SchemaCoverage {
  readonly #schema: GraphQLSchema;
  readonly #unexercised: Set<string>;

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
    this.#unexercised = new Set(
      Object.values(schema.getTypeMap())
        .filter((type) => !isIntrospectionType(type))
        .flatMap(partsOf),
    );
  }

  get unexercised(): readonly string[] {
    return [...this.#unexercised];
  }

  /** Notes an operation that is valid in the schema. */
  note({ query, variables = {}, data }: SentOperation): void {
    const { definitions } = parse(query);
    const fragments = new Map(
      definitions
        .filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION)
        .map((definition) => {
          const fragment = definition as FragmentDefinitionNode;
          return [fragment.name.value, fragment];
        }),
    );
    for (const definition of definitions) {
      if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
      const root = this.#schema.getRootType(definition.operation);
      const given = { ...defaultsOf(definition), ...variables };
      if (root) this.#selections(root, definition.selectionSet, [data], { fragments, variables: given });
    }
  }

  #selections(
    parent: GraphQLNamedType,
    { selections }: SelectionSetNode,
    values: readonly unknown[],
    operation: Operation,
  ) {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) this.#field(parent, selection, values, operation);
      else {
        const fragment =
          selection.kind === Kind.FRAGMENT_SPREAD ? operation.fragments.get(selection.name.value) : selection;
        const type = fragment?.typeCondition && this.#schema.getType(fragment.typeCondition.name.value);
        if (fragment) this.#selections(type ?? parent, fragment.selectionSet, values, operation);
      }
    }
  }

  #field(parent: GraphQLNamedType, node: FieldNode, values: readonly unknown[], operation: Operation): void {
    const field = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[node.name.value] : undefined;
    // __typename, and what begins a query of the schema
    if (!field) return;
    this.#exercised(`${parent.name}.${field.name}`);
    for (const { name, value } of node.arguments ?? []) {
      const argument = field.args.find((argument) => argument.name === name.value);
      const given = valueFromASTUntyped(value, operation.variables);
      if (!argument || given === undefined) continue;
      this.#exercised(`${parent.name}.${field.name}(${argument.name}:)`);
      this.#input(argument.type, given);
    }

    const key = node.alias?.value ?? node.name.value;
    const answers = values.flatMap((value) => flat((value as Record<string, unknown> | null | undefined)?.[key]));
    const type = getNamedType(field.type);
    for (const answer of answers) {
      if (isUnionType(type)) this.#exercised(`${type.name} = ${(answer as { __typename?: string }).__typename}`);
      if (isEnumType(type)) this.#exercised(`${type.name}.${answer}`);
    }
    if (node.selectionSet && isCompositeType(type)) this.#selections(type, node.selectionSet, answers, operation);
  }

  #input(type: GraphQLInputType, value: unknown): void {
    if (isNonNullType(type)) {
      this.#input(type.ofType, value);
    } else if (isListType(type)) {
      for (const item of flat(value)) this.#input(type.ofType, item);
    } else if (isEnumType(type)) {
      this.#exercised(`${type.name}.${value}`);
    } else if (isInputObjectType(type) && typeof value === "object" && value !== null) {
      for (const field of Object.values(type.getFields())) {
        const given = (value as Record<string, unknown>)[field.name];
        if (given === undefined) continue;
        this.#exercised(`${type.name}.${field.name}`);
        this.#input(field.type, given);
      }
    }
  }

  #exercised(part: string): void {
    this.#unexercised.delete(part);
  }
}

interface Operation {
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly variables: Readonly<Record<string, unknown>>;
}

function partsOf(type: GraphQLNamedType): string[] {
  if (isUnionType(type)) return type.getTypes().map((member) => `${type.name} = ${member.name}`);
  if (isEnumType(type)) return type.getValues().map(({ name }) => `${type.name}.${name}`);
  if (isInputObjectType(type)) return Object.keys(type.getFields()).map((name) => `${type.name}.${name}`);
  if (!isObjectType(type) && !isInterfaceType(type)) return [];
  return Object.values(type.getFields()).flatMap((field) => [
    `${type.name}.${field.name}`,
    ...field.args.map(({ name }) => `${type.name}.${field.name}(${name}:)`),
  ]);
}

function defaultsOf({ variableDefinitions = [] }: OperationDefinitionNode): Record<string, unknown> {
  return Object.fromEntries(
    variableDefinitions.flatMap(({ variable, defaultValue }) =>
      defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)]] : [],
    ),
  );
}

/** The values of a list, however deep, or the one value; nulls are left out. */
function flat(value: unknown): unknown[] {
  return [value].flat(Number.POSITIVE_INFINITY).filter((item) => item !== null && item !== undefined);
}
