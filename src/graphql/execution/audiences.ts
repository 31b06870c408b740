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
import { LRUCache } from "lru-cache";
import { Consistency } from "../../cqrs/consistency.ts";
import type { Handlers } from "../../cqrs/handlers.ts";
import type { Context } from "../builder.ts";
import { limitErrors, type ToClientError } from "../errors.ts";
import type { HeavyLine } from "./heavy-line.ts";

/** What all that was told of events and is kept for others may take, in bytes. */
const MAX_BYTES = 16_000_000;
/** A result beside its text, of which it has the values once more. */
const TOLD_BYTES = 1000;
const CHARACTER_BYTES = 4;

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
  readonly number: number;
  readonly args: ValidatedSubscriptionArgs;
  readonly cost: number;
  members: number;
}

/** Executes events, once for each audience. */
export class Audiences {
  readonly #handlers: Handlers;
  readonly #streams: readonly string[];
  readonly #line: HeavyLine;
  /** An event is executed for all who are told of it: it is no one's request. */
  readonly #forAll: (error: unknown) => GraphQLError;
  readonly #audiences = new Map<string, Audience>();
  readonly #told = new LRUCache<string, Told>({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ text }) => TOLD_BYTES + CHARACTER_BYTES * text.length,
  });
  readonly #running = new Map<string, Promise<Told>>();
  readonly #numbers = new WeakMap<LiveEvent, number>();
  #count = 0;

  constructor(options: {
    readonly handlers: Handlers;
    readonly streams: readonly string[];
    readonly line: HeavyLine;
    readonly toClientError: ToClientError;
  }) {
    this.#handlers = options.handlers;
    this.#streams = options.streams;
    this.#line = options.line;
    this.#forAll = (error) => options.toClientError(error, undefined);
  }

  /** The audience of those who ask this. `leave` must be called in the end. */
  join(args: ValidatedSubscriptionArgs, cost: number): Audience {
    const key = keyOf(args);
    let audience = this.#audiences.get(key);
    if (!audience) {
      audience = { key, number: ++this.#count, args, cost, members: 0 };
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
    const key = `${audience.number} ${this.#numberOf(event)}`;
    const known = this.#told.get(key) ?? this.#running.get(key);
    if (known) return known;
    const told = this.#line.isHeavy(audience.cost)
      ? this.#executeInTurn(event, audience)
      : this.#execute(event, audience);
    if (!(told instanceof Promise)) {
      this.#told.set(key, told);
      return told;
    }
    this.#running.set(key, told);
    const settle = () => this.#running.delete(key);
    told.then((one) => settle() && this.#told.set(key, one), settle);
    return told;
  }

  #numberOf(event: LiveEvent): number {
    let number = this.#numbers.get(event);
    if (number === undefined) {
      number = ++this.#count;
      this.#numbers.set(event, number);
    }
    return number;
  }

  async #executeInTurn(event: LiveEvent, audience: Audience): Promise<Told> {
    const leave = await this.#line.enter(audience.cost, () => true);
    if (leave instanceof Error) throw leave;
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
      ...(errors && { errors: limitErrors(errors.map(this.#forAll)).map((error) => error.toJSON()) }),
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
