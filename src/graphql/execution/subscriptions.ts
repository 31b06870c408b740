import {
  createSourceEventStream,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  OperationTypeNode,
  type ValidatedSubscriptionArgs,
  validateSubscriptionArgs,
} from "graphql";
import type { GraphQLParams } from "graphql-yoga";
import { ServiceError } from "../../cqrs/errors.ts";
import { limitErrors, type ToClientError } from "../errors.ts";
import type { Access } from "./access.ts";
import type { Audiences, LiveEvent, Told } from "./audiences.ts";
import { MAX_COERCION_ERRORS } from "./compiled-executor.ts";
import { LimitExceeded, type Limits } from "./limits.ts";
import { LiveDocuments } from "./live-documents.ts";
import type { PersistedDocuments } from "./persisted-documents.ts";
import { Places } from "./places.ts";
import type { ContextOf, RequestContext, RequestNames, RequestTrace } from "./request.ts";

/** What a timer can wait for. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What carries a subscription. */
export type Transport = "websocket" | "event stream";

/** Why a subscription was ended from without: its client has left or was cut off, or the service stops. */
export type EndOfSubscription = "left" | "cut" | "stopping";

/** A request to be told of something as it happens. */
export interface SubscribeRequest {
  readonly transport: Transport;
  /** Who asks: each may have a number of subscriptions at once. */
  readonly client: string;
  readonly access: Access;
  readonly params: GraphQLParams;
  /** The revisions that the process must know of at least, beside those that the extensions name. */
  readonly atLeast?: RequestContext["atLeast"];
  /** The last revision that the client was told of, where its transport knows that. */
  readonly resumeAt?: number | undefined;
  readonly isGone?: () => boolean;
  /** By what the log names it. */
  readonly names?: RequestNames;
  /** To what it belongs. */
  readonly trace?: RequestTrace | undefined;
}

/** Somebody who is told of what happens, one thing after the other: each when he asks for the next. */
export interface Subscription {
  /**
   * What comes next, when it comes; undefined when there is no more.
   *
   * @throws GraphQLError as a client is told of it
   */
  next(): Promise<Told | undefined>;
  /** Ends it. What is waited for comes to nothing. `reason` is for whoever counts. */
  end(reason?: EndOfSubscription): void;
  /** From which revision on everything is told, where that is known. */
  readonly startsAt: number | undefined;
}

/** Begins subscriptions: the one door for all of them, whatever carries them. `#admit` says what must hold first. */
export class Subscriptions {
  readonly #schema: GraphQLSchema;
  readonly #limits: Limits;
  readonly #persisted: PersistedDocuments;
  readonly #contextOf: ContextOf;
  readonly #events: Audiences;
  readonly #toClientError: ToClientError;
  readonly #documents: LiveDocuments;
  readonly #answerBytes: number;
  /** Of those that each client has, or is about to have. */
  readonly #places: Places;

  constructor(options: {
    readonly schema: GraphQLSchema;
    readonly limits: Limits;
    readonly persisted: PersistedDocuments;
    readonly contextOf: ContextOf;
    readonly events: Audiences;
    readonly toClientError: ToClientError;
    readonly hidesSchema: boolean;
    readonly answerBytes: number;
    /** How many a client may have at once. */
    readonly maxOfClient: number;
  }) {
    this.#schema = options.schema;
    this.#limits = options.limits;
    this.#persisted = options.persisted;
    this.#contextOf = options.contextOf;
    this.#events = options.events;
    this.#toClientError = options.toClientError;
    this.#documents = new LiveDocuments(options.schema, options.hidesSchema);
    this.#answerBytes = options.answerBytes;
    this.#places = new Places(options.maxOfClient);
  }

  /** Begins a subscription, or says why not. */
  async begin(request: SubscribeRequest): Promise<Subscription | readonly GraphQLError[]> {
    let leave: (() => void) | undefined;
    try {
      leave = this.#admit(request);
      const begun = await this.#begin(request, leave);
      if (Array.isArray(begun)) leave();
      return begun;
    } catch (error) {
      leave?.();
      return this.#refused([error], request);
    }
  }

  /**
   * What a client must be allowed before anything of its request is looked at.
   *
   * @returns what takes back that it has a subscription
   * @throws LimitExceeded
   */
  #admit({ client }: SubscribeRequest): () => void {
    if (this.#places.hasRoomFor(client)) return this.#places.take(client);
    const { max } = this.#places;
    const details = { limit: "subscriptions", max, actual: max + 1 };
    throw new LimitExceeded(`A client may have ${max} subscriptions at once; end one of them first.`, details);
  }

  async #begin(request: SubscribeRequest, leave: () => void): Promise<Subscription | readonly GraphQLError[]> {
    const { access, atLeast, resumeAt, isGone } = request;
    const { params, keep } = this.#persisted.resolve(request.params);
    const document = this.#documents.of(params.query ?? "");
    if (!("kind" in document)) return this.#refused(document, request);
    const node = getOperationAST(document, params.operationName);
    if (node && node.operation !== OperationTypeNode.SUBSCRIPTION) throw notCarried(node.operation);
    const context = this.#contextOf(params, { access, atLeast, isGone });
    const args = validateSubscriptionArgs({
      schema: this.#schema,
      document,
      operationName: params.operationName ?? null,
      variableValues: params.variables,
      contextValue: { ...context, resumeAt },
      options: { maxCoercionErrors: MAX_COERCION_ERRORS },
    });
    if (!("schema" in args)) return this.#refused(args, request);
    const admission = this.#limits.admit(document, args.operation);
    const cost = admission.costWith(params.variables);
    admission.require(cost, access);
    keep?.();
    const source = await createSourceEventStream(args);
    if (!(Symbol.asyncIterator in source)) return this.#refused(source.errors ?? [], request);
    return this.#subscribed(source as AsyncIterable<LiveEvent>, args, { cost, request }, leave);
  }

  #subscribed(
    source: AsyncIterable<LiveEvent>,
    args: ValidatedSubscriptionArgs,
    { cost, request }: { readonly cost: number; readonly request: SubscribeRequest },
    leave: () => void,
  ): Subscription {
    const { names, access } = request;
    const { until } = access;
    const iterator = source[Symbol.asyncIterator]();
    const audience = this.#events.join(args, cost);
    let isOver = false;
    // it ends with its token, if need be in the midst of waiting; one that lives longer than timers can is asked each time
    const expiry =
      until < LONGEST_TIMER_MS + Date.now() ? setTimeout(() => iterator.return?.(), until - Date.now() + 1) : undefined;
    expiry?.unref();
    const end = () => {
      if (isOver) return;
      isOver = true;
      leave();
      clearTimeout(expiry);
      this.#events.leave(audience);
      void iterator.return?.();
    };
    const next = async () => {
      try {
        const { value, done } = await iterator.next();
        if (Date.now() >= until) throw expired();
        if (done || isOver) return undefined;
        const told = await this.#events.tell(value, audience);
        if (told.text.length > this.#answerBytes) throw tooLong(this.#answerBytes);
        return told;
      } catch (error) {
        end();
        throw this.#clientError(error, names);
      }
    };
    return { next, end, startsAt: (source as { readonly startsAt?: number }).startsAt };
  }

  #refused(errors: readonly unknown[], { names }: SubscribeRequest): readonly GraphQLError[] {
    return limitErrors(errors.map((error) => this.#clientError(error, names)));
  }

  /** What HTTP would say of it is nothing to other transports. */
  #clientError(error: unknown, names: RequestNames | undefined): GraphQLError {
    const told = this.#toClientError(error, names);
    const { http: _, ...extensions } = told.extensions;
    const { message, nodes, source, positions, path } = told;
    return new GraphQLError(message, {
      ...{ nodes: nodes ?? null, source: source ?? null, positions: positions ?? null, path: path ?? null },
      extensions,
    });
  }
}

/** @param kind what was asked for over a transport that does not carry it */
export function notCarried(kind: OperationTypeNode): ServiceError {
  return new ServiceError(
    "OPERATION_NOT_SUPPORTED",
    kind === OperationTypeNode.SUBSCRIPTION
      ? "A subscription goes over WebSocket (graphql-transport-ws), or as text/event-stream, which Accept must ask for."
      : `Only subscriptions go over WebSocket and as text/event-stream; send a ${kind} by POST, and accept JSON.`,
  );
}

function expired(): GraphQLError {
  const message = "The token has expired; come back with another one.";
  return new GraphQLError(message, { extensions: { code: "UNAUTHENTICATED" } });
}

function tooLong(max: number): LimitExceeded {
  return new LimitExceeded(`What there is to be told would have more than ${max} bytes. Ask for less of it.`, {
    limit: "answerBytes",
    max,
  });
}
