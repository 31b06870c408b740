import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from "@opentelemetry/sdk-trace";
import type { Logger } from "pino";
import { ServiceSampler } from "./sampler.ts";
import type { TracingSettings } from "./tracing-settings.ts";

/** How traces name the service, unless `OTEL_SERVICE_NAME` does. */
const SERVICE = "catalogue";

/** Makes what records spans and sends them, in bounded memory: while they cannot be sent, new ones are dropped. */
export async function openProvider(
  { url, protocol, sampler, queue }: TracingSettings,
  log: Logger,
): Promise<TracerProvider> {
  const { OTLPTraceExporter } =
    protocol === "http/json"
      ? await import("@opentelemetry/exporter-trace-otlp-http")
      : await import("@opentelemetry/exporter-trace-otlp-proto");
  const resource = resourceFromAttributes({ "service.name": SERVICE }).merge(
    detectResources({ detectors: [envDetector] }),
  );
  const exporter = reported(new OTLPTraceExporter(url === undefined ? {} : { url }), log);
  return new TracerProvider({
    resource,
    sampler: new ServiceSampler(sampler),
    spanProcessors: [new BatchSpanProcessor({ ...queue, exporter })],
  });
}

/** Has the log say when spans cannot be sent, and when they can again. */
function reported(exporter: SpanExporter, log: Logger): SpanExporter {
  let isFailing = false;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const { error } = result;
        if (error && !isFailing) log.warn({ reason: reasonOf(error) }, "traces cannot be sent, and are lost meanwhile");
        if (!error && isFailing) log.info("traces are sent again");
        isFailing = error !== undefined;
        done(result);
      }),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    shutdown: () => exporter.shutdown(),
  };
}

/** In words that repeat nothing of the endpoint, nor of what it answers. */
function reasonOf(error: Error & { code?: unknown; cause?: unknown }): string {
  const { code = (error.cause as { code?: unknown } | undefined)?.code } = error;
  if (typeof code === "number") return `the collector answers with status ${code}`;
  return typeof code === "string" ? code : error.name;
}
