import { type ExecutionResult, GraphQLError, type GraphQLSchema, OperationTypeNode } from "graphql";
import type { Logger } from "pino";
import { Consistency } from "../../cqrs/consistency.ts";
import type { Handlers } from "../../cqrs/handlers.ts";
import { highest, NO_REVISIONS, type Revisions } from "../../cqrs/revisions.ts";
import { type ToClientError, toClientError } from "../errors.ts";
import { ANONYMOUS, permits } from "./access.ts";
import { exceeds, mayExceed } from "./answer-size.ts";
import type { AnswerText } from "./answer-text.ts";
import { Audiences } from "./audiences.ts";
import { CompiledExecutor } from "./compiled-executor.ts";
import { Deadlines } from "./deadline.ts";
import { extensionsReader } from "./extensions.ts";
import { FastLane } from "./fast-lane.ts";
import { HeavyLine } from "./heavy-line.ts";
import { LimitExceeded, Limits } from "./limits.ts";
import { PersistedDocuments } from "./persisted-documents.ts";
import { type Replay, Replays } from "./replays.ts";
import {
  type ContextOf,
  type GraphqlLimits,
  type GraphqlRequest,
  type GraphqlResponse,
  RequestContext,
} from "./request.ts";
import { asksForRevision, keyOf } from "./request-key.ts";
import { responseOf } from "./result.ts";
import { atLeastReader } from "./revision-headers.ts";
import { type SubscribeRequest, Subscriptions } from "./subscriptions.ts";
import { WholeLane } from "./whole-lane.ts";

/**
 * Answers GraphQL requests, by one of two lanes: replays and compiled operations where it can, else through Yoga. Routes,
 * limits and methods are the HTTP server's.
 *
 * Every operation is held against the limits before it runs, whichever way it came: in `runAdmitted`. Only a replay is
 * not: it answers a request that was, by limits that do not change while the process lives.
 */
export class Graphql {
  readonly #replays = new Replays();
  readonly #deadlines = new Deadlines();
  readonly #line = new HeavyLine();
  readonly #executor: CompiledExecutor;
  readonly #persisted: PersistedDocuments;
  readonly #fastLane: FastLane;
  readonly #wholeLane: WholeLane;
  readonly #subscriptions: Subscriptions;
  readonly #atLeastIn: ReturnType<typeof atLeastReader>;
  readonly #extensionsOf: ReturnType<typeof extensionsReader>;
  readonly #limits: GraphqlLimits;
  readonly #tooMuch = () => tooMuch(this.#limits.answerBytes);
  readonly #toClientError: ToClientError;

  /** `streams` names those of the handlers, in the order of their modules. */
  constructor(
    schema: GraphQLSchema,
    handlers: Handlers,
    streams: readonly string[],
    limits: GraphqlLimits,
    log: Logger,
  ) {
    this.#atLeastIn = atLeastReader(streams);
    this.#extensionsOf = extensionsReader(streams);
    this.#limits = limits;
    this.#toClientError = (error, names) => toClientError(error, log, names);
    this.#persisted = new PersistedDocuments(limits.documents);
    const operationLimits = new Limits(schema, limits, streams);
    this.#executor = new CompiledExecutor(schema, operationLimits);
    const contextOf: ContextOf = (params, { atLeast: given, isGone = () => false, lateAt, access = ANONYMOUS }) => {
      const { atLeast, cost } = this.#extensionsOf(params.extensions);
      const bounds = { listBytes: limits.answerBytes, tooMuch: this.#tooMuch, isGone, lateAt };
      const consistency = new Consistency(streams, given ? highest(given, atLeast) : atLeast, bounds, access.asker);
      return { handlers, consistency, tellsCost: cost };
    };
    const executor = this.#executor;
    const shared = { executor, line: this.#line, contextOf, toClientError: this.#toClientError };
    this.#fastLane = new FastLane(shared);
    const hidesSchema = !limits.introspection;
    this.#wholeLane = new WholeLane({ ...shared, schema, hidesSchema });
    const { answerBytes } = limits;
    const events = new Audiences({ ...shared, handlers, streams });
    this.#subscriptions = new Subscriptions({
      ...{ ...shared, schema, hidesSchema, answerBytes, events },
      ...{ limits: operationLimits, persisted: this.#persisted, maxOfClient: limits.subscriptions },
    });
  }

  /** Begins to tell of what happens, or says why not. */
  subscribe(request: SubscribeRequest): ReturnType<Subscriptions["begin"]> {
    return this.#subscriptions.begin(request);
  }

  /** What is known of a request of this text, before it is answered; of those alone that this asker may have answered. */
  find(text: string, access = ANONYMOUS): Replay | undefined {
    const replay = this.#replays.find(text);
    return replay && permits(replay.needs, access) ? replay : undefined;
  }

  /** What a `Consistency-At-Least` asks for, if there is one, or what is wrong with it. */
  atLeastIn(header: string | undefined): Revisions | string {
    return header === undefined ? NO_REVISIONS : this.#atLeastIn(header);
  }

  /**
   * The answer that `replay` stands for, if it still is true, at revisions of at least `atLeast`, and can be had in time;
   * else the request, whose time began at `since`, has to be answered anew.
   */
  replay(replay: Replay, atLeast = NO_REVISIONS, since = performance.now()): Promise<AnswerText | undefined> {
    const { requestTimeoutMs } = this.#limits;
    return this.#deadlines.inTime(since + requestTimeoutMs, this.#replays.replay(replay, atLeast), nothing);
  }

  /** How many heavy operations wait for their turn. */
  get waiting(): number {
    return this.#line.length;
  }

  /** What is kept of requests: by the weights of each cache, and at most, in bytes. */
  get kept() {
    return { documents: this.#executor.kept, persisted: this.#persisted.kept, replays: this.#replays.kept };
  }

  /** Answers a request of which no replay was found, or none that was of use. */
  async answer(request: GraphqlRequest): Promise<GraphqlResponse> {
    const { params, text, since = performance.now() } = request;
    const lateAt = since + this.#limits.requestTimeoutMs;
    const key = text !== undefined && !asksForRevision(params) ? text : keyOf(params);
    const known = key === text ? undefined : await this.#findAndReplay(key, request);
    if (known) return { text: known };
    const context = new RequestContext(request, lateAt);
    try {
      const late = () => this.#tooLate(context);
      // a replay may have taken all of its time
      if (performance.now() >= lateAt) return this.#respond(request, key, late(), context);
      const answered = await this.#deadlines.inTime(lateAt, this.#execute(request, context), late);
      return this.#respond(request, key, answered, context);
    } finally {
      // what is still read for it is not wanted any more
      context.consistency?.end();
      context.leaveLine?.();
    }
  }

  /** As another request was answered that asked for the same, though perhaps for other revisions. */
  #findAndReplay(
    key: string,
    { params, atLeast = NO_REVISIONS, since, access }: GraphqlRequest,
  ): Promise<AnswerText | undefined> | undefined {
    const replay = this.find(key, access);
    if (!replay) return undefined;
    try {
      return this.replay(replay, highest(atLeast, this.#extensionsOf(params.extensions).atLeast), since);
    } catch {
      // what is wrong with the extensions is told where they count
      return undefined;
    }
  }

  async #execute({ method, params: sent }: GraphqlRequest, context: RequestContext): Promise<ExecutionResult> {
    try {
      const { params, keep } = this.#persisted.resolve(sent);
      context.documentLength = params.query?.length;
      context.keepDocument = keep;
      const operation = this.#fastLane.find(method, params);
      return await (operation
        ? this.#fastLane.execute(operation, params, context)
        : this.#wholeLane.execute(method, params, context));
    } catch (error) {
      // thrown by what looks at the parameters and the limits, before anything is executed
      return { errors: [this.#toClientError(error, context.names)] };
    }
  }

  #respond(
    { accept }: GraphqlRequest,
    key: string,
    answered: ExecutionResult,
    context: RequestContext,
  ): GraphqlResponse {
    const { tellsCost, cost, kind, needs, consistency } = context;
    const result = this.#limited(answered, Math.max(key.length, context.documentLength ?? 0), context);
    const report = "data" in answered ? consistency?.report : undefined;
    const response = responseOf(result, tellsCost ? cost : undefined, report, accept, context);
    if (response.text && consistency && kind && needs && cost !== undefined) {
      this.#replays.keep(key, response.text, { kind, cost, needs }, consistency);
    }
    return response;
  }

  /** The answer, or that it is too long. */
  #limited(result: ExecutionResult, requestLength: number, context: RequestContext): ExecutionResult {
    const { answerBytes } = this.#limits;
    const { cost, kind, consistency, names } = context;
    const isQuery = kind === OperationTypeNode.QUERY;
    if (isQuery && consistency?.isTooMuch) return { errors: [this.#toClientError(this.#tooMuch(), names)] };
    if (!result.data || cost === undefined || !mayExceed(answerBytes, cost, requestLength)) return result;
    if (!exceeds(answerBytes, result.data)) return result;
    const tooLong = new LimitExceeded(
      isQuery
        ? `The answer would have more than ${answerBytes} bytes. Ask for less, or for it in pages.`
        : `The mutation ran; only its answer, which would have more than ${answerBytes} bytes, is left out.`,
      { limit: "answerBytes", max: answerBytes },
    );
    return { errors: [this.#toClientError(tooLong, names)] };
  }

  #tooLate({ consistency = new Consistency(), names }: RequestContext): ExecutionResult {
    consistency.end();
    const error = this.#toClientError(consistency.reasonOfEnd, names);
    const extensions = { ...error.extensions, http: { status: 503 } };
    return { errors: [new GraphQLError(error.message, { extensions })] };
  }
}

function nothing(): undefined {
  return undefined;
}

function tooMuch(max: number): LimitExceeded {
  return new LimitExceeded(`The request reads more than ${max} bytes. Ask for less of it at once.`, {
    limit: "answerBytes",
    max,
  });
}
