type Environment = Readonly<Record<string, string | undefined>>;

/** How traces are made and where they go: what OpenTelemetry's variables say of that. Headers and the like its exporter reads itself. */
export interface TracingSettings {
  /** Where they are sent; undefined for OpenTelemetry's own default. */
  readonly url: string | undefined;
  readonly protocol: "http/protobuf" | "http/json";
  readonly sampler: Sampling;
  /** Bounds of what waits to be sent, in milliseconds and spans; undefined for OpenTelemetry's own. */
  readonly queue: {
    readonly scheduledDelayMillis?: number;
    readonly exportTimeoutMillis?: number;
    readonly maxQueueSize?: number;
    readonly maxExportBatchSize?: number;
  };
}

/** Which traces are recorded: of those that begin here this part, of those that a client has begun what it says, or that part as well. */
export interface Sampling {
  readonly ratio: number;
  readonly followsClient: boolean;
}

const ENDPOINTS = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"] as const;
const PROTOCOLS = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] as const;
const SAMPLERS = ["always_on", "always_off", "traceidratio"] as const;
const QUEUE = {
  OTEL_BSP_SCHEDULE_DELAY: "scheduledDelayMillis",
  OTEL_BSP_EXPORT_TIMEOUT: "exportTimeoutMillis",
  OTEL_BSP_MAX_QUEUE_SIZE: "maxQueueSize",
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "maxExportBatchSize",
} as const;
/** The most of each of these. */
const MOST = 1_000_000;

/**
 * What `OTEL_…` asks for, and a line for each that cannot be had: undefined while traces have no place to go to. A value is
 * never repeated, for an endpoint may hold a password.
 */
export function tracingIn(env: Environment): {
  readonly settings: TracingSettings | undefined;
  readonly faults: readonly string[];
} {
  const off = { settings: undefined, faults: [] };
  const exporter = env.OTEL_TRACES_EXPORTER;
  const hasEndpoint = ENDPOINTS.some((name) => env[name] !== undefined);
  if (/^true$/i.test(env.OTEL_SDK_DISABLED ?? "") || exporter === "none") return off;
  if (exporter === undefined && !hasEndpoint) return off;
  const faults: string[] = [];
  if (exporter !== undefined && exporter !== "otlp") faults.push("OTEL_TRACES_EXPORTER must be otlp or none.");
  for (const name of ENDPOINTS) {
    const url = env[name];
    if (url !== undefined && !/^https?:$/.test(URL.parse(url)?.protocol ?? ""))
      faults.push(`${name} must be an http:// or https:// URL.`);
  }
  const protocol = protocolIn(env, faults);
  const sampler = samplerIn(env, faults);
  const queue: Record<string, number> = {};
  for (const [name, option] of Object.entries(QUEUE)) {
    const value = env[name];
    if (value === undefined) continue;
    queue[option] = Number(value);
    if (!/^\d{1,7}$/.test(value) || Number(value) < 1 || Number(value) > MOST)
      faults.push(`${name} must be a whole number from 1 to ${MOST}.`);
  }
  return { settings: { url: urlIn(env), protocol, sampler, queue }, faults };
}

/** The one for traces is taken as it is, the one for all signals is what theirs begin with. */
function urlIn({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own, OTEL_EXPORTER_OTLP_ENDPOINT: all }: Environment) {
  return own ?? (all && `${all.replace(/\/$/, "")}/v1/traces`);
}

function protocolIn(env: Environment, faults: string[]): TracingSettings["protocol"] {
  for (const name of PROTOCOLS) {
    const value = env[name];
    if (value === undefined) continue;
    if (value === "http/protobuf" || value === "http/json") return value;
    faults.push(`${name} must be http/protobuf or http/json.`);
  }
  return "http/protobuf";
}

function samplerIn(env: Environment, faults: string[]): Sampling {
  const { OTEL_TRACES_SAMPLER: named = "parentbased_always_on", OTEL_TRACES_SAMPLER_ARG: given = "1" } = env;
  const [, follows, root] = /^(parentbased_)?(.*)$/.exec(named) ?? [];
  if (!SAMPLERS.some((name) => name === root)) {
    const all = SAMPLERS.flatMap((name) => [name, `parentbased_${name}`]);
    faults.push(`OTEL_TRACES_SAMPLER must be one of ${all.join(", ")}.`);
  }
  const part = Number(given);
  if (given.trim() === "" || !(part >= 0 && part <= 1))
    faults.push("OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1.");
  const ratio = root === "traceidratio" ? part : Number(root === "always_on");
  return { ratio, followsClient: follows !== undefined };
}
