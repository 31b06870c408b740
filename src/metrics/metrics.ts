import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "@prometheus-io/client";
import type { StreamHealth } from "../cqrs/aggregate.ts";
import type { PoolUsage } from "../cqrs/database/engine.ts";
import type { Transport } from "../graphql/execution/subscriptions.ts";
import type { WatchedHttp } from "../http/http-server.ts";

const PREFIX = "catalogue_";
/** In seconds: an answer that is sent again takes a fraction of the first, a request may take as long as the last. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const TRANSPORTS: readonly Transport[] = ["event stream", "websocket"];

const READS = [
  ["reads_total", "Reads, by what answered them", "reads"],
  ["reads_again_total", "Reads that found an earlier answer true, by what answered them", "readsAgain"],
] as const;

/** What is asked when metrics are. Nothing of it costs anything before. */
export interface Watched {
  readonly streams: () => readonly StreamHealth[];
  readonly pools: () => Readonly<Record<string, PoolUsage>>;
  readonly redisIsUp: () => boolean | undefined;
}

/** What becomes of requests, and how the parts of the process are, in the words of Prometheus. No label is a client's. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<"kind" | "outcome">;
  readonly #seconds: Histogram<"kind" | "lane">;
  readonly #subscriptions: Gauge<"transport">;
  readonly #told: Counter<"transport">;
  readonly #ended: Counter<"transport" | "reason">;

  constructor(watched: Watched) {
    const registers = [this.#registry];
    this.#requests = new Counter({
      ...{
        name: `${PREFIX}requests_total`,
        help: "GraphQL requests that were answered, by the code of their first error",
      },
      ...{ labelNames: ["kind", "outcome"] as const, registers },
    });
    this.#seconds = new Histogram({
      ...{
        name: `${PREFIX}request_seconds`,
        help: "How long they took; again: by what was known of the answer before",
      },
      ...{ labelNames: ["kind", "lane"] as const, buckets: BUCKETS, registers },
    });
    this.#subscriptions = new Gauge({
      ...{ name: `${PREFIX}subscriptions`, help: "Subscriptions that are open" },
      ...{ labelNames: ["transport"] as const, registers },
    });
    this.#told = new Counter({
      ...{ name: `${PREFIX}subscription_events_total`, help: "What subscribers were told" },
      ...{ labelNames: ["transport"] as const, registers },
    });
    this.#ended = new Counter({
      ...{ name: `${PREFIX}subscriptions_ended_total`, help: "Subscriptions that have ended, and why" },
      ...{ labelNames: ["transport", "reason"] as const, registers },
    });
    for (const transport of TRANSPORTS) {
      this.#subscriptions.set({ transport }, 0);
      this.#told.inc({ transport }, 0);
    }
    this.#watchStreams(watched.streams);
    this.#gauges("database_connections", "Connections to the database", ["pool", "state"], () =>
      Object.entries(watched.pools()).flatMap(([pool, { open, idle, waiting }]) => [
        [{ pool, state: "idle" }, idle],
        [{ pool, state: "used" }, open - idle],
        [{ pool, state: "waited for" }, waiting],
      ]),
    );
    this.#gauges("redis_up", "Whether there is a connection to Redis, where one is configured", [], () => {
      const isUp = watched.redisIsUp();
      return isUp === undefined ? [] : [[{}, Number(isUp)]];
    });
    collectDefaultMetrics({ register: this.#registry });
  }

  /** Notes what became of a request. `kind` is undefined where it was no operation. */
  answered(kind: string | undefined, outcome: string, lane: "again" | "executed", milliseconds: number): void {
    const known = kind ?? "none";
    this.#requests.inc({ kind: known, outcome });
    this.#seconds.observe({ kind: known, lane }, milliseconds / 1000);
  }

  /** Notes a subscription that has begun. */
  subscribed(transport: Transport): void {
    this.#subscriptions.inc({ transport });
  }

  /** Notes something that a subscriber is told. */
  told(transport: Transport): void {
    this.#told.inc({ transport });
  }

  /** Notes a subscription that has ended. `reason` is the code of an error, or one of a few words. */
  unsubscribed(transport: Transport, reason: string): void {
    this.#subscriptions.dec({ transport });
    this.#ended.inc({ transport, reason });
  }

  watchHttp(http: WatchedHttp): void {
    this.#gauges("http_connections", "Open connections", [], () => [[{}, http.connections]]);
    this.#counts("http_refusals_total", "Requests that were refused before they were looked at", ["code"], () =>
      [...http.refusals].map(([code, times]) => [{ code }, times]),
    );
    this.#gauges("http_requests_running", "GraphQL requests that are being answered", [], () => [[{}, http.running]]);
    this.#counts("http_notices_total", "What clients have done to themselves", ["notice"], () =>
      [...http.notices].map(([notice, times]) => [{ notice }, times]),
    );
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #watchStreams(streams: () => readonly StreamHealth[]): void {
    const of = (value: (health: StreamHealth) => number | undefined) => () =>
      streams().flatMap((health): Sample[] => {
        const number = value(health);
        return number === undefined ? [] : [[{ stream: health.name }, number]];
      });
    const labels = ["stream"];
    this.#gauges(
      "revision",
      "The newest revision that this process knows",
      labels,
      of(({ revision }) => revision),
    );
    this.#gauges(
      "read_model_lag_revisions",
      "By how many the read model was behind",
      labels,
      of(({ lag }) => lag),
    );
    this.#gauges(
      "commands_waiting",
      "Commands that wait for a transaction",
      labels,
      of(({ waiting }) => waiting),
    );
    this.#gauges(
      "lease_age_seconds",
      "How old the newest look-up of the row is",
      labels,
      of(({ lookUpAgeMs }) => (lookUpAgeMs === undefined ? undefined : lookUpAgeMs / 1000)),
    );
    this.#counts(
      "catch_ups_total",
      "Catch-ups of the read model",
      labels,
      of(({ counts }) => counts.catchUps),
    );
    this.#counts(
      "rebuilds_total",
      "Rebuilds of the read model",
      labels,
      of(({ counts }) => counts.rebuilds),
    );
    this.#counts(
      "commits_total",
      "Transactions for commands",
      labels,
      of(({ counts }) => counts.commits),
    );
    this.#counts(
      "commands_total",
      "Commands that transactions were made for",
      labels,
      of(({ counts }) => counts.commands),
    );
    this.#counts("acknowledgements_total", "Commits, by what they were acknowledged after", ["stream", "after"], () =>
      streams().flatMap(({ name, counts }) =>
        Object.entries(counts.acknowledgements).map(([after, times]): Sample => [{ stream: name, after }, times]),
      ),
    );
    for (const [name, help, read] of READS) {
      this.#counts(name, help, ["stream", "served_by"], () =>
        streams().flatMap(({ name, counts }) =>
          Object.entries(counts[read]).map(([served_by, times]): Sample => [{ stream: name, served_by }, times]),
        ),
      );
    }
    this.#counts("read_fallbacks_total", "Reads that Redis did not answer", ["stream", "reason"], () =>
      streams().flatMap(({ name, counts }) =>
        Object.entries(counts.fallbacks).map(([reason, times]): Sample => [{ stream: name, reason }, times]),
      ),
    );
  }

  #gauges(name: string, help: string, labelNames: readonly string[], samples: () => readonly Sample[]): void {
    new Gauge({
      ...{ name: PREFIX + name, help, labelNames: [...labelNames], registers: [this.#registry] },
      collect() {
        this.reset();
        for (const [labels, value] of samples()) this.set(labels, value);
      },
    });
  }

  #counts(name: string, help: string, labelNames: readonly string[], samples: () => readonly Sample[]): void {
    new Counter({
      ...{ name: PREFIX + name, help, labelNames: [...labelNames], registers: [this.#registry] },
      collect() {
        this.reset();
        for (const [labels, value] of samples()) this.inc(labels, value);
      },
    });
  }
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];
