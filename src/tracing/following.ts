import type { TracingChannel } from "node:diagnostics_channel";
import type { Attributes } from "@opentelemetry/api";
import { faultIn } from "./faults.ts";
import type { Part, Tracing } from "./tracing.ts";

/** What a channel tells, with what Node adds to it. */
export type Told<C> = C & { readonly result?: unknown; readonly error?: unknown };

/** Makes parts of traces of what is told over channels, until it is ended. */
export class Following {
  readonly #tracing: Tracing;
  readonly #parts = new WeakMap<object, Part>();
  readonly #ends: (() => void)[] = [];

  constructor(tracing: Tracing) {
    this.#tracing = tracing;
  }

  /** The part that was made of what is told. */
  partOf(trace: object): Part | undefined {
    return this.#parts.get(trace);
  }

  /** Has `begin` make a part of what begins, if it is to be followed, and ends that with what `attributesOf` says in the end. */
  follow<C extends object>(
    channel: TracingChannel<unknown, C>,
    begin: (trace: C) => Part | undefined,
    attributesOf: (trace: Told<C>, part: Part) => Attributes = () => ({}),
  ): void {
    const unbind = this.#tracing.bind(channel.start, (message) => {
      const part = begin(message as C);
      if (part) this.#parts.set(message as C, part);
      return part;
    });
    const over = (message: unknown) => {
      const trace = message as Told<C>;
      const part = this.#parts.get(trace);
      part?.end(attributesOf(trace, part), trace.error === undefined ? undefined : faultIn(trace.error));
    };
    channel.asyncEnd.subscribe(over);
    this.#ends.push(unbind, () => channel.asyncEnd.unsubscribe(over));
  }

  /** Has `told` called with what is over, and with when it began and ended, in milliseconds since 1970. */
  listen<C extends object>(
    channel: TracingChannel<unknown, C>,
    told: (trace: Told<C>, startTime: number, endTime: number) => void,
  ): void {
    const begun = new WeakMap<object, number>();
    const start = (message: unknown) => void begun.set(message as C, now());
    const over = (message: unknown) => {
      const startTime = begun.get(message as C);
      if (startTime !== undefined) told(message as Told<C>, startTime, now());
    };
    channel.start.subscribe(start);
    channel.asyncEnd.subscribe(over);
    this.#ends.push(
      () => channel.start.unsubscribe(start),
      () => channel.asyncEnd.unsubscribe(over),
    );
  }

  end(): void {
    for (const end of this.#ends) end();
  }
}

/** As finely as the monotonic clock has it. */
function now(): number {
  return performance.timeOrigin + performance.now();
}
