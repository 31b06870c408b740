import {
  type DocumentNode,
  type ExecutionResult,
  executeSubscriptionEvent,
  type FormattedExecutionResult,
  type GraphQLError,
  type SubscriptionOperationDefinitionNode,
  type ValidatedSubscriptionArgs,
  visit,
} from "graphql";
import { Consistency } from "../../cqrs/consistency.ts";
import type { Handlers } from "../../cqrs/handlers.ts";
import type { Context } from "../builder.ts";
import { limitErrors } from "../errors.ts";
import type { HeavyLine } from "./heavy-line.ts";

/** Something that has happened, as the source of a subscription has it. The same object for all who are told of it. */
export interface LiveEvent {
  readonly revision: number;
}

/** What subscribers are told of an event. */
export interface Told {
  readonly revision: number;
  readonly result: FormattedExecutionResult;
  /** The result as JSON. */
  readonly text: string;
}

/**
 * Subscribers who ask the same of each event, whatever the events are. An event is executed and serialised once for all of
 * them: of five thousand that show one page that is the difference between a moment and a fifth of a second.
 */
export interface Audience {
  readonly key: string;
  readonly args: ValidatedSubscriptionArgs;
  readonly cost: number;
  members: number;
}

/** Executes events, once for each audience. */
export class Audiences {
  readonly #handlers: Handlers;
  readonly #streams: readonly string[];
  readonly #line: HeavyLine;
  readonly #toClientError: (error: unknown) => GraphQLError;
  readonly #audiences = new Map<string, Audience>();
  readonly #told = new WeakMap<LiveEvent, Map<Audience, Promise<Told> | Told>>();

  constructor(options: {
    readonly handlers: Handlers;
    readonly streams: readonly string[];
    readonly line: HeavyLine;
    readonly toClientError: (error: unknown) => GraphQLError;
  }) {
    this.#handlers = options.handlers;
    this.#streams = options.streams;
    this.#line = options.line;
    this.#toClientError = options.toClientError;
  }

  /** The audience of those who ask this. `leave` must be called in the end. */
  join(args: ValidatedSubscriptionArgs, cost: number): Audience {
    const key = keyOf(args);
    let audience = this.#audiences.get(key);
    if (!audience) {
      audience = { key, args, cost, members: 0 };
      this.#audiences.set(key, audience);
    }
    audience.members++;
    return audience;
  }

  leave(audience: Audience): void {
    if (--audience.members === 0) this.#audiences.delete(audience.key);
  }

  /**
   * What this audience is told of an event.
   *
   * @throws GraphQLError `SERVICE_UNAVAILABLE` when it would be too much work now
   */
  tell(event: LiveEvent, audience: Audience): Promise<Told> | Told {
    let byAudience = this.#told.get(event);
    if (!byAudience) {
      byAudience = new Map();
      this.#told.set(event, byAudience);
    }
    let told = byAudience.get(audience);
    if (told) return told;
    told = this.#line.isHeavy(audience.cost) ? this.#executeInTurn(event, audience) : this.#execute(event, audience);
    byAudience.set(audience, told);
    // who comes back has it tried again
    if (told instanceof Promise) told.catch(() => byAudience.delete(audience));
    return told;
  }

  async #executeInTurn(event: LiveEvent, audience: Audience): Promise<Told> {
    const leave = await this.#line.enter(audience.cost, () => true);
    try {
      return await this.#execute(event, audience);
    } finally {
      leave();
    }
  }

  #execute(event: LiveEvent, { args }: Audience): Promise<Told> | Told {
    const consistency = new Consistency(this.#streams);
    const contextValue: Context = { handlers: this.#handlers, consistency };
    const result = executeSubscriptionEvent({ ...args, rootValue: event, contextValue });
    const finish = (executed: ExecutionResult) => this.#toldOf(event, executed, consistency);
    return result instanceof Promise ? result.then(finish) : finish(result);
  }

  #toldOf({ revision }: LiveEvent, { data, errors }: ExecutionResult, { report }: Consistency): Told {
    const result = {
      data: data ?? null,
      ...(errors && { errors: limitErrors(errors.map(this.#toClientError)).map((error) => error.toJSON()) }),
      ...(report && { extensions: { consistency: report } }),
    };
    return { revision, result, text: JSON.stringify(result) };
  }
}

/** What is asked of each event: the document and those variables that do not stand in arguments of its root field. */
function keyOf({ document, operation, rawVariableValues }: ValidatedSubscriptionArgs): string {
  const given = rawVariableValues ?? {};
  const names = [...variablesBelow(document, operation)].filter((name) => Object.hasOwn(given, name)).sort();
  const values = names.map((name) => [name, given[name]]);
  return JSON.stringify([operation.name?.value, values, document.loc?.source.body]);
}

/** The arguments of the root field choose the events, and what is told of one does not depend on them. */
function variablesBelow(document: DocumentNode, operation: SubscriptionOperationDefinitionNode): ReadonlySet<string> {
  const names = new Set<string>();
  const roots = new Set<unknown>(operation.selectionSet.selections);
  visit(document, {
    VariableDefinition: () => false,
    Argument: (_node, _key, _parent, _path, ancestors) => (roots.has(ancestors.at(-1)) ? false : undefined),
    Variable: ({ name }) => void names.add(name.value),
  });
  return names;
}
