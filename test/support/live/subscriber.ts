import { createClient as createSseClient } from "graphql-sse";
import { createClient as createSocketClient } from "graphql-ws";
import { WebSocket } from "ws";
import { onFinished } from "../cleanup.ts";
import { noted } from "../service/graphql-client.ts";
import { eventually } from "../wait.ts";

/** Everything that a change is told with. */
export const BOOK_CHANGES = `subscription Changes($since: Revision, $title: String, $id: ID) {
  bookChanges(since: $since, title: $title, id: $id) {
    revision kind at who
    before { id title version } after { id title author version }
  }
}`;

/** What a subscriber asks for. */
export interface Filter {
  readonly since?: number;
  readonly title?: string;
  readonly id?: string;
}

/** The clients that there are for either transport. */
export const TRANSPORTS = ["graphql-ws", "graphql-sse"] as const;
export type Transport = (typeof TRANSPORTS)[number];

interface Result {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly data?: any;
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly errors?: readonly any[];
  readonly extensions?: unknown;
}

/** A client that is told of changes, as an application would write it. It ends with the test. */
class Subscriber {
  /** Everything that it was told, checkpoints too. */
  readonly results: Result[] = [];
  // biome-ignore lint/suspicious/noExplicitAny: what the clients make of errors and close codes
  ended: any;
  readonly #stop: () => void;
  /** Of the services that it asks, by turns as it is cut off. */
  readonly #urls: readonly string[];
  #connects = 0;

  constructor(transport: Transport, urls: readonly string[], query: string, filter: Filter) {
    this.#urls = urls;
    const { since, ...others } = filter;
    // the clients send it again as it then is
    const variables: Record<string, unknown> = { ...others, ...(since !== undefined && { since }) };
    const sink = {
      next: (result: Result) => {
        this.results.push(result);
        // what is refused may not be what the schema allows
        if (result.data) noted({ query, variables, data: result.data });
        const revision = result.data?.bookChanges?.revision;
        if (revision !== undefined) variables.since = revision;
      },
      error: (error: unknown) => {
        this.ended = error;
      },
      complete: () => {
        this.ended ??= "complete";
      },
    };
    const again = { retryAttempts: 50, retry: () => new Promise<void>((resolve) => setTimeout(resolve, 20)) };
    if (transport === "graphql-ws") {
      const url = () => this.#nextUrl.replace("http", "ws");
      const client = createSocketClient({ url, webSocketImpl: WebSocket, shouldRetry: () => true, ...again });
      client.subscribe({ query, variables }, sink as never);
      // it rejects when it was about to connect
      this.#stop = () => void Promise.resolve(client.dispose()).catch(() => {});
    } else {
      const client = createSseClient({ url: () => this.#nextUrl, ...again });
      client.subscribe({ query, variables }, sink as never);
      this.#stop = () => client.dispose();
    }
    onFinished(() => this.stop());
  }

  get #nextUrl(): string {
    return this.#urls[this.#connects++ % this.#urls.length] as string;
  }

  /** How often it has connected. */
  get connects(): number {
    return this.#connects;
  }

  stop(): void {
    this.#stop();
  }

  /** The changes that it was told of. */
  // biome-ignore lint/suspicious/noExplicitAny: see above
  get changes(): any[] {
    return this.#told.filter(({ kind }) => kind !== "CHECKPOINT");
  }

  // biome-ignore lint/suspicious/noExplicitAny: see above
  get checkpoints(): any[] {
    return this.#told.filter(({ kind }) => kind === "CHECKPOINT");
  }

  // biome-ignore lint/suspicious/noExplicitAny: see above
  get #told(): any[] {
    return this.results.flatMap(({ data }) => data?.bookChanges ?? []);
  }

  get revisions(): number[] {
    return this.changes.map(({ revision }) => revision);
  }

  /** Waits until it was told of so many changes, and returns them. */
  async told(count: number) {
    await eventually(`${count} changes, not ${this.changes.length}`, () => this.changes.length >= count);
    return this.changes;
  }

  /** Waits for the errors that it is told of in place of anything else. */
  async refused() {
    return eventually("an error", () => {
      const [error] =
        this.results.find(({ errors }) => errors)?.errors ?? (Array.isArray(this.ended) ? this.ended : []);
      return error;
    });
  }
}

/** Subscribes, and waits until that has begun where it says so by itself. */
export function subscribe(
  transport: Transport,
  urls: string | readonly string[],
  filter: Filter = {},
  query = BOOK_CHANGES,
) {
  return new Subscriber(transport, [urls].flat(), query, filter);
}

/** Subscribes from now on: whatever is changed afterwards is told. */
export async function subscribeNow(transport: Transport, urls: string | readonly string[], filter: Filter = {}) {
  const subscriber = subscribe(transport, urls, filter);
  await eventually("a first checkpoint", () => subscriber.checkpoints.length > 0);
  return subscriber;
}
