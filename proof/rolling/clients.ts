import { setTimeout as sleep } from "node:timers/promises";

/** A pause after each request, in milliseconds: the proxy is to be used, not to be measured. */
const PAUSE_MS = 5;

/** A request that was not answered as it should be. */
export interface Loss {
  readonly kind: Kind;
  readonly at: string;
  readonly what: string;
}

type Kind = "write" | "post" | "get";

/** Clients that ask through the proxy without end, each over a connection that it keeps, and note what was lost. */
export class Clients {
  readonly sent: Record<Kind, number> = { write: 0, post: 0, get: 0 };
  readonly losses: Loss[] = [];
  readonly #url: string;
  readonly #title: string;
  #running = true;
  #all: Promise<unknown> = Promise.resolve();

  /** `title` is of a book that is there; each write adds one to its stock. */
  constructor(url: string, title: string) {
    this.#url = url;
    this.#title = title;
  }

  start(count: number): void {
    this.#all = Promise.all(Array.from({ length: count }, (_, i) => this.#ask(i)));
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#all;
  }

  get total(): number {
    return this.sent.write + this.sent.post + this.sent.get;
  }

  async #ask(first: number): Promise<void> {
    const kinds = ["write", "post", "get"] as const;
    for (let turn = first; this.#running; turn++) {
      const kind = kinds[turn % kinds.length] as Kind;
      this.sent[kind]++;
      const fault = await this.#send(kind).catch((error: Error) => `${error.message} ${error.cause ?? ""}`);
      if (fault !== undefined) this.losses.push({ kind, at: new Date().toISOString(), what: fault });
      await sleep(PAUSE_MS);
    }
  }

  /** @returns what is wrong with the answer */
  async #send(kind: Kind): Promise<string | undefined> {
    const query =
      kind === "write"
        ? "mutation ($title: String!) { adjustStock(title: $title, by: 1) { __typename } }"
        : "query ($title: String!) { book(title: $title) { stockQuantity } }";
    const variables = { title: this.#title };
    const search = new URLSearchParams({ query, variables: JSON.stringify(variables) });
    const headers = { "content-type": "application/json" };
    const response =
      kind === "get"
        ? await fetch(`${this.#url}?${search}`, { headers })
        : await fetch(this.#url, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
    const text = await response.text();
    const isRight = kind === "write" ? /"__typename":"Book"/ : /"stockQuantity":\d/;
    return response.status === 200 && isRight.test(text) ? undefined : `${response.status} ${text.slice(0, 200)}`;
  }
}
