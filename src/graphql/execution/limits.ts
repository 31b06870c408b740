import {
  type DocumentNode,
  type GraphQLSchema,
  getIntrospectionQuery,
  getNamedType,
  getOperationAST,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  type OperationDefinitionNode,
  parse,
} from "graphql";
import { ServiceError } from "../../cqrs/errors.ts";
import { type Access, type AccessRules, type Needs, needsOf, refusalOf } from "./access.ts";
import { type Arguments, isList, ListSizes } from "./list-sizes.ts";
import { costOf, type OperationCost } from "./operation-cost.ts";
import { shapeOf } from "./operation-shape.ts";
import { streamsOf } from "./operation-streams.ts";

/** The most that tools ask of a schema. */
const EVERYTHING = {
  ...{ descriptions: true, specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true },
  ...{ inputValueDeprecation: true, oneOf: true },
};

/** What one operation may ask for. */
export interface OperationLimits {
  readonly depth: number;
  readonly aliases: number;
  readonly rootFields: number;
  /** Undefined: what {@link largestCost} says. */
  readonly cost: number | undefined;
  readonly introspection: boolean;
  /** Who may run it. */
  readonly access: AccessRules;
}

/** A request asks for more than `max`. `actual` is what it asks for, where that is known. */
export class LimitExceeded extends ServiceError {
  override readonly details: { readonly limit: string; readonly max: number; readonly actual?: number };

  constructor(message: string, details: LimitExceeded["details"]) {
    super("LIMIT_EXCEEDED", message);
    this.details = details;
  }
}

/** An operation that was held against the limits. */
export interface Admission {
  /** How many selections it has, each fragment counted wherever it is spread. */
  readonly selections: number;
  /** What its asker needs; `require` sees to that. */
  readonly needs: Needs;
  /** What it costs with these variables, which are as the client sent them. */
  costWith(variables: Arguments | null | undefined): number;
  /**
   * @throws GraphQLError `UNAUTHENTICATED`, `FORBIDDEN` when this asker may not run it; ServiceError `LIMIT_EXCEEDED`,
   *   `FORBIDDEN` when nobody may, or not at this cost
   */
  require(cost: number, access: Access): void;
}

/** Holds operations against the limits, before anything of them runs. */
export class Limits {
  readonly #schema: GraphQLSchema;
  readonly #sizes: ListSizes;
  readonly #limits: OperationLimits & { readonly cost: number };
  readonly #streams: readonly string[];

  /** `streams` are the names of all. */
  constructor(schema: GraphQLSchema, limits: OperationLimits, streams: readonly string[]) {
    this.#schema = schema;
    this.#streams = streams;
    this.#sizes = new ListSizes(schema);
    this.#limits = { ...limits, cost: limits.cost ?? largestCost(schema, this.#sizes) };
  }

  /** Looks at an operation of a valid document. What is found holds for as long as the process runs. */
  admit(document: DocumentNode, operation: OperationDefinitionNode): Admission {
    const { depth, aliases, rootFields, cost: maxCost, introspection, access: rules } = this.#limits;
    const shape = shapeOf(document, operation);
    const cost = costOf(this.#schema, this.#sizes, document, operation);
    const needs = needsOf(rules, operation.operation, streamsOf(this.#schema, document, operation, this.#streams));
    const refusal =
      (shape.introspects && !introspection
        ? new ServiceError("FORBIDDEN", "Introspection is turned off.")
        : undefined) ??
      excess("depth", "levels of fields", shape.depth, depth) ??
      excess("aliases", "aliases", shape.aliases, aliases) ??
      excess("rootFields", "root fields", shape.rootFields, rootFields);
    return {
      selections: shape.selections,
      needs,
      costWith: (variables) => evaluated(cost, variables ?? {}),
      require: (actual, access) => {
        const reason = refusalOf(needs, access, rules) ?? refusal ?? excess("cost", "points of cost", actual, maxCost);
        if (reason) throw reason;
      },
    };
  }
}

function excess(limit: string, what: string, actual: number, max: number): LimitExceeded | undefined {
  if (actual <= max) return undefined;
  return new LimitExceeded(`The operation has ${actual} ${what}; at most ${max} are allowed.`, { limit, max, actual });
}

/**
 * The cost that is allowed unless a setting says otherwise: half as much again as the costliest list of a root field with
 * every plain field of its entries, or as what tools ask of the schema.
 */
function largestCost(schema: GraphQLSchema, sizes: ListSizes): number {
  const questions = Object.values(schema.getQueryType()?.getFields() ?? {}).flatMap((field) => {
    const type = getNamedType(field.type);
    if (!isList(field) || !isObjectType(type) || field.args.some(isRequiredArgument)) return [];
    const plain = Object.values(type.getFields()).filter(
      (one) => isLeafType(getNamedType(one.type)) && !one.args.some(isRequiredArgument),
    );
    return `{ ${field.name} { __typename ${plain.map(({ name }) => name).join(" ")} } }`;
  });
  const costs = [...questions, getIntrospectionQuery(EVERYTHING)].map((question) => {
    const document = parse(question);
    return evaluated(costOf(schema, sizes, document, getOperationAST(document) as OperationDefinitionNode), {});
  });
  return Math.floor(Math.max(...costs) * 1.5);
}

function evaluated(cost: OperationCost, variables: Arguments): number {
  return typeof cost === "number" ? cost : cost(variables);
}
