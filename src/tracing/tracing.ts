import { AsyncLocalStorage } from "node:async_hooks";
import type { Channel } from "node:diagnostics_channel";
import {
  type Attributes,
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { TracerProvider } from "@opentelemetry/sdk-trace";
import type { Logger } from "pino";
import type { RequestTrace } from "../graphql/execution/request.ts";
import { openProvider } from "./export.ts";
import type { TracingSettings } from "./tracing-settings.ts";

/** What a part is begun with. */
export interface Begun {
  /** What it is a part of; a trace of its own without it. */
  readonly within?: Part | RequestTrace | undefined;
  readonly attributes?: Attributes;
  /** Whom it is done for, if not for what it is a part of. */
  readonly links?: readonly Part[];
  readonly kind?: SpanKind;
  /** When it began, in milliseconds since 1970, if not now. */
  readonly startTime?: number;
}

/** Something that is done, for as long as it takes: one span. */
export class Part {
  readonly #span: Span;
  readonly #around: AsyncLocalStorage<Part>;
  #isOver = false;

  constructor(span: Span, around: AsyncLocalStorage<Part>) {
    this.#span = span;
    this.#around = around;
  }

  get isRecorded(): boolean {
    return this.#span.isRecording();
  }

  get context(): SpanContext {
    return this.#span.spanContext();
  }

  /** Its place in the trace, as headers have it. */
  get trace(): RequestTrace {
    const { traceId, spanId, traceFlags, traceState } = this.context;
    return { traceId, spanId, flags: traceFlags, state: traceState?.serialize() };
  }

  /** Does `work` as a part of this. */
  run<R>(work: () => R): R {
    return this.#around.run(this, work);
  }

  /** Gives it a name that was not known when it began. */
  name(name: string): void {
    this.#span.updateName(name);
  }

  link(other: Part): void {
    this.#span.addLink({ context: other.context });
  }

  /** `failure` names what went wrong where that is the service's fault; no text of an error is recorded. */
  end(attributes: Attributes = {}, failure?: string, endTime?: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#span.setAttributes(failure === undefined ? attributes : { ...attributes, "error.type": failure });
    if (failure !== undefined) this.#span.setStatus({ code: SpanStatusCode.ERROR });
    this.#span.end(endTime);
  }
}

/** Follows what is done: records spans, and knows of what anything that is done is a part. */
export class Tracing {
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  readonly #around = new AsyncLocalStorage<Part>();

  private constructor(provider: TracerProvider) {
    this.#provider = provider;
    this.#tracer = provider.getTracer("catalogue");
  }

  static async open(settings: TracingSettings, log: Logger): Promise<Tracing> {
    return new Tracing(await openProvider(settings, log));
  }

  /** What goes on around whoever asks, if that is recorded and not over: what is within another need not be followed. */
  get current(): Part | undefined {
    const part = this.#around.getStore();
    return part?.isRecorded ? part : undefined;
  }

  /** Has what is told over `channel` be around what goes on then; `begin` makes a part of it, or none. */
  bind<C extends object>(channel: Channel<unknown, C>, begin: (message: unknown) => Part | undefined): () => void {
    channel.bindStore(this.#around, (message) => begin(message) as Part);
    return () => channel.unbindStore(this.#around);
  }

  begin(name: string, { within, attributes = {}, links = [], kind = SpanKind.INTERNAL, startTime }: Begun = {}): Part {
    const parent = within instanceof Part ? within.context : within && remote(within);
    const context = parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
    const options = { kind, attributes, links: links.map(({ context }) => ({ context })) };
    const span = this.#tracer.startSpan(name, startTime === undefined ? options : { ...options, startTime }, context);
    return new Part(span, this.#around);
  }

  /** Sends what there is to be sent. */
  close(): Promise<void> {
    return this.#provider.shutdown();
  }
}

function remote({ traceId, spanId, flags, state }: RequestTrace): SpanContext {
  const place = { traceId, spanId, traceFlags: flags, isRemote: true };
  return state === undefined ? place : { ...place, traceState: createTraceState(state) };
}
