import { levels } from "pino";
import { z } from "zod";
import { type AuthSettings, accessRules, authRules, jwksUrlFault, secretFault } from "./auth/auth-settings.ts";
import type { PoolSizes } from "./cqrs/database/engine.ts";
import { POSTGRES_URL_FORM, parsePostgresUrl } from "./cqrs/database/postgres/connection-url.ts";
import { UrlFault } from "./cqrs/database/postgres/parameters.ts";
import { StartupError } from "./cqrs/errors.ts";
import { parseRedisUrl, RedisUrlFault } from "./cqrs/redis/redis-url.ts";
import { END_OF_LINE, withSecretsOfFiles } from "./files-of-secrets.ts";
import { ManifestFault, readManifest } from "./graphql/execution/manifest.ts";
import type { GraphqlLimits } from "./graphql/execution/request.ts";
import { isOrigin } from "./http/cors.ts";
import { isHostPattern, isLoopback, LOOPBACK_HOSTS } from "./http/hosts.ts";
import type { HttpSettings } from "./http/http-server.ts";
import type { MetricsPlace } from "./http/metrics-server.ts";
import { flag, list, type Setting, type Settings, wholeNumber } from "./settings.ts";
import { type TracingSettings, tracingIn } from "./tracing/tracing-settings.ts";

/** What is wrong with a database URL, or the variables that complete it. */
function databaseUrlFault(url: string, env: Environment): string | undefined {
  if (/^sqlite:./s.test(url)) return undefined;
  if (!/^postgres(ql)?:\/\//.test(url)) return `must be sqlite:PATH, sqlite::memory: or ${POSTGRES_URL_FORM}`;
  try {
    parsePostgresUrl(url, env);
    return undefined;
  } catch (error) {
    if (error instanceof UrlFault) return error.message;
    throw error;
  }
}

/** What is wrong with a Redis URL. */
function redisUrlFault(url: string): string | undefined {
  try {
    parseRedisUrl(url);
    return undefined;
  } catch (error) {
    if (error instanceof RedisUrlFault) return error.message;
    throw error;
  }
}

const DAY_MS = 86_400_000;

type Environment = Readonly<Record<string, string | undefined>>;

/** A text that is held against `faultOf`, which says what is wrong with it. */
const checked = (faultOf: (text: string) => string | undefined) =>
  z.string().superRefine((text, context) => {
    const fault = faultOf(text);
    if (fault !== undefined) context.addIssue(fault);
  });

const host = z.string().regex(/^[\p{L}\p{N}_.:%-]+$/u, "must be a host name or an IP address");

/** For rules of several settings, so that faults of one do not hide those of others. */
const always = () => true;

/** Every setting, its default, and what it may be; those `ofModules` too. docs/settings.md lists them for operators. */
const settingsIn = (env: Environment, ofModules: Readonly<Record<string, z.ZodType>>) =>
  z
    .object({
      PORT: wholeNumber(0, 65535).default(4000),
      HOST: host.default("127.0.0.1"),
      DATABASE_URL: checked((url) => databaseUrlFault(url, env)).default("sqlite:./data/books.db"),
      DATABASE_POOL_SIZE: wholeNumber(1, 1000).default(10),
      DATABASE_BACKGROUND_POOL_SIZE: wholeNumber(2, 1000).default(5),
      MIGRATE: z.enum(["start", "only", "never"], "must be start, only or never").default("start"),
      REDIS_URL: checked(redisUrlFault).optional(),
      REDIS_CRITICAL: flag.default(false),
      REDIS_TIMEOUT_MS: wholeNumber(1, 60_000).default(100),
      READ_LEASE_MS: wholeNumber(20, 60_000).default(200),
      CHANGE_LOG_KEEP_DAYS: wholeNumber(1, 36_500).optional(),
      ...ofModules,
      MAX_ANSWER_MB: wholeNumber(1, 500).default(32),
      MAX_BODY_KB: wholeNumber(1, 100_000).default(128),
      MAX_CONNECTIONS: wholeNumber(1, 1_000_000).default(10_000),
      MAX_REQUESTS: wholeNumber(1, 1_000_000).default(1000),
      RATE_LIMIT_PER_MINUTE: wholeNumber(0, 1_000_000_000).default(0),
      MAX_SUBSCRIPTIONS: wholeNumber(1, 1_000_000).default(20),
      STOP_DELAY_MS: wholeNumber(0, 600_000).default(0),
      STOP_TIMEOUT_MS: wholeNumber(1, 3_600_000).default(10_000),
      METRICS_PORT: wholeNumber(1, 65535).optional(),
      METRICS_HOST: host.optional(),
      ALLOWED_HOSTS: list
        .refine(
          (hosts) => hosts.length > 0 && hosts.every(isHostPattern),
          "must be *, or host names, addresses and networks without ports, such as api.example.com, *.example.com, 10.0.0.0/8",
        )
        .optional(),
      TRUST_PROXY: flag.default(false),
      CORS_ORIGINS: list
        .transform((origins) => origins.map((origin) => origin.replace(/\/$/, "")))
        .refine(
          (origins) => origins.length > 0 && (origins.every(isOrigin) || `${origins}` === "*"),
          "must be origins such as https://shop.example.com, http://localhost:5173, or * alone",
        )
        .optional(),
      AUTH_JWKS_URL: checked((url) => jwksUrlFault(url, isLoopback)).optional(),
      AUTH_JWT_SECRET: checked(secretFault).optional(),
      AUTH_ISSUER: z.string().optional(),
      AUTH_AUDIENCE: list.refine((audience) => audience.length > 0, "must name whom tokens are for").optional(),
      AUTH_READS: flag.default(false),
      AUTH_LOG_SUBJECT: flag.default(true),
      ALLOW_ANONYMOUS_WRITES: flag.optional(),
      GRAPHIQL: flag.default(true),
      MAX_DEPTH: wholeNumber(1, 1000).default(16),
      MAX_ALIASES: wholeNumber(0, 10_000).default(60),
      MAX_ROOT_FIELDS: wholeNumber(1, 10_000).default(30),
      MAX_COST: wholeNumber(1, 1_000_000_000).optional(),
      REQUEST_TIMEOUT_MS: wholeNumber(100, 600_000).default(10_000),
      INTROSPECTION: flag.default(true),
      PERSISTED_DOCUMENTS: z
        .string()
        .transform((path, context) => {
          try {
            return readManifest(path);
          } catch (error) {
            if (!(error instanceof ManifestFault)) throw error;
            context.addIssue(error.message);
            return z.NEVER;
          }
        })
        .optional(),
      AUTOMATIC_PERSISTED_QUERIES: flag.default(true),
      LOG_LEVEL: z
        .enum([...Object.values(levels.labels), "silent"], {
          error: `must be one of ${Object.values(levels.labels).join(", ")}, silent`,
        })
        .default("info"),
    })
    .refine((env) => !env.REDIS_CRITICAL || env.REDIS_URL !== undefined, {
      path: ["REDIS_CRITICAL"],
      error: "is true, so REDIS_URL must be set",
      when: always,
    })
    .refine((env) => env.REQUEST_TIMEOUT_MS > env.READ_LEASE_MS, {
      path: ["REQUEST_TIMEOUT_MS"],
      error: "must be more than READ_LEASE_MS, which a write may have to wait",
    });

/** The configuration, typed. Times are in milliseconds. */
export interface Config extends HttpSettings {
  /** How tokens are checked; undefined where none are taken. */
  readonly auth: AuthSettings | undefined;
  readonly port: number;
  readonly host: string;
  readonly databaseUrl: string;
  /** How many connections to PostgreSQL there may be. */
  readonly pools: PoolSizes;
  /** When migrations run: at the start, at one that does nothing else, or never. */
  readonly migrate: "start" | "only" | "never";
  readonly redisUrl: string | undefined;
  readonly redisCritical: boolean;
  readonly redisTimeoutMs: number;
  readonly readLeaseMs: number;
  /** How long change logs are kept; undefined: for ever. */
  readonly keepLogMs: number | undefined;
  readonly maxAnswerBytes: number;
  /** How often a client may ask in a minute; 0 for as often as it likes. */
  readonly ratePerMinute: number;
  readonly graphiql: boolean;
  readonly graphqlLimits: GraphqlLimits;
  readonly logLevel: string;
  /** How traces are made, where `OTEL_…` asks for them. */
  readonly tracing: TracingSettings | undefined;
  /** Those of the modules, which know them. */
  readonly settings: Settings;
}

/** Reads the configuration from environment variables. */
// biome-ignore lint/complexity/noStaticOnlyClass: the other services are classes too, and are looked for by such names
export class ConfigService {
  /**
   * Reads also what the modules have settings for. An empty variable counts as unset, and an end of line behind a value is
   * no part of it, as orchestrators make variables of secrets that were files.
   *
   * @throws StartupError with one line for each fault; a value is never repeated in it, for it may be a secret
   */
  static load(env: Environment, modules: readonly { readonly settings: readonly Setting<unknown>[] }[]): Config {
    const settings = modules.flatMap((module) => module.settings);
    const ofModules = Object.fromEntries(settings.map(({ name, schema }) => [name, schema]));
    const lines = Object.entries(env).map(([name, value]) => [name, value?.replace(END_OF_LINE, "")] as const);
    const set = Object.fromEntries(lines.filter(([, value]) => value !== ""));
    const { env: given, faults } = withSecretsOfFiles(set);
    const schema = authRules.reduce(
      (all, { name, error, isKept }) => all.refine(isKept, { path: [name], error, when: always }),
      settingsIn(given, ofModules),
    );
    const { success, data, error } = schema.safeParse(given);
    const tracing = tracingIn(given);
    const found = [
      ...faults,
      ...tracing.faults,
      ...(error?.issues ?? []).map(({ path, message }) => `${path.join(".")} ${message}.`),
    ];
    if (!success || found.length > 0) throw new StartupError(found);
    const values: Readonly<Record<string, unknown>> = data;
    const auth = authOf(data);
    return {
      port: data.PORT,
      host: data.HOST,
      databaseUrl: data.DATABASE_URL,
      pools: { each: data.DATABASE_POOL_SIZE, background: data.DATABASE_BACKGROUND_POOL_SIZE },
      migrate: data.MIGRATE,
      metrics:
        data.METRICS_PORT === undefined ? undefined : metricsAt(data.METRICS_PORT, data.METRICS_HOST ?? data.HOST),
      redisUrl: data.REDIS_URL,
      redisCritical: data.REDIS_CRITICAL,
      redisTimeoutMs: data.REDIS_TIMEOUT_MS,
      readLeaseMs: data.READ_LEASE_MS,
      keepLogMs: data.CHANGE_LOG_KEEP_DAYS === undefined ? undefined : data.CHANGE_LOG_KEEP_DAYS * DAY_MS,
      maxAnswerBytes: data.MAX_ANSWER_MB * 1_000_000,
      maxBodyBytes: data.MAX_BODY_KB * 1000,
      maxConnections: data.MAX_CONNECTIONS,
      maxRequests: data.MAX_REQUESTS,
      maxSocketsOfClient: data.MAX_SUBSCRIPTIONS,
      stopDelayMs: data.STOP_DELAY_MS,
      stopTimeoutMs: data.STOP_TIMEOUT_MS,
      // a page that a browser shows can ask whatever its machine can, by a name that leads here
      allowedHosts: data.ALLOWED_HOSTS ?? (isLoopback(data.HOST) ? LOOPBACK_HOSTS : ["*"]),
      trustProxy: data.TRUST_PROXY,
      corsOrigins: data.CORS_ORIGINS ?? (isLoopback(data.HOST) ? "local" : []),
      auth,
      ratePerMinute: data.RATE_LIMIT_PER_MINUTE,
      graphiql: data.GRAPHIQL,
      graphqlLimits: {
        access: accessRules(auth, data.AUTH_READS, data.ALLOW_ANONYMOUS_WRITES, isLoopback(data.HOST)),
        depth: data.MAX_DEPTH,
        aliases: data.MAX_ALIASES,
        rootFields: data.MAX_ROOT_FIELDS,
        cost: data.MAX_COST,
        introspection: data.INTROSPECTION,
        requestTimeoutMs: data.REQUEST_TIMEOUT_MS,
        answerBytes: data.MAX_ANSWER_MB * 1_000_000,
        subscriptions: data.MAX_SUBSCRIPTIONS,
        documents: { trusted: data.PERSISTED_DOCUMENTS, automatic: data.AUTOMATIC_PERSISTED_QUERIES },
      },
      logLevel: data.LOG_LEVEL,
      tracing: tracing.settings,
      settings: new Map(settings.map((setting) => [setting, values[setting.name]])),
    };
  }
}

/** What is on this machine alone is asked for by its names alone, as the API is. */
function metricsAt(port: number, host: string): MetricsPlace {
  return { port, host, allowedHosts: isLoopback(host) ? LOOPBACK_HOSTS : ["*"] };
}

function authOf(data: z.output<ReturnType<typeof settingsIn>>): AuthSettings | undefined {
  const { AUTH_JWKS_URL: jwksUrl, AUTH_JWT_SECRET: secret } = data;
  const keys = jwksUrl !== undefined ? { jwksUrl } : secret !== undefined ? { secret } : undefined;
  if (!keys) return undefined;
  return { keys, issuer: data.AUTH_ISSUER, audience: data.AUTH_AUDIENCE, logSubject: data.AUTH_LOG_SUBJECT };
}
