import { type Context, type Link, TraceFlags, trace } from "@opentelemetry/api";
import {
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  type SamplingResult,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";
import type { Sampling } from "./tracing-settings.ts";

/** Which spans are recorded: as the settings say, and what is done for several together if any of these is. */
export class ServiceSampler implements Sampler {
  readonly #begun: Sampler;
  readonly #within = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(0) });
  readonly #followsClient: boolean;

  constructor({ ratio, followsClient }: Sampling) {
    this.#begun = new TraceIdRatioBasedSampler(ratio);
    this.#followsClient = followsClient;
  }

  shouldSample(...asked: Parameters<Sampler["shouldSample"]>): SamplingResult {
    const [context, , , , , links] = asked;
    const parent = trace.getSpanContext(context as Context);
    if (parent && (!parent.isRemote || this.#followsClient)) return this.#within.shouldSample(...asked);
    if (!parent && links.length > 0)
      return { decision: links.some(isSampled) ? RECORDED : SamplingDecision.NOT_RECORD };
    return this.#begun.shouldSample(...asked);
  }

  toString(): string {
    return `ServiceSampler{${this.#begun}}`;
  }
}

const RECORDED = SamplingDecision.RECORD_AND_SAMPLED;

function isSampled({ context }: Link): boolean {
  return (context.traceFlags & TraceFlags.SAMPLED) !== 0;
}
