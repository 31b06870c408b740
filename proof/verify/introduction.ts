import { setTimeout as sleep } from "node:timers/promises";
import { type HttpAnswer, jsonOf, post } from "../clients/http.ts";
import type { Pace } from "./pace.ts";
import { Unverifiable } from "./refusal.ts";

/** How often a request is sent before it is given up, and how long the next one waits. */
const TRIES = { count: 5, everyMs: 200 };
/** How long an address may be without what was written through another. Milliseconds. */
const SAME_WITHIN_MS = 5000;
/** Catalogues of so many books are asked for whole. */
const SHORT_LIST = 200;

/** What GraphQL says of who may not do something. */
const FORBIDDEN = ["UNAUTHENTICATED", "FORBIDDEN"];

// biome-ignore lint/suspicious/noExplicitAny: an answer of a server that may be anything
type Json = any;

/** How the service is asked before anything is recorded. */
export class Introduction {
  readonly #urls: readonly string[];
  readonly #headers: Readonly<Record<string, string>>;
  readonly #word: string;
  readonly #pace: Pace;
  #asked = 0;

  /** `word` is the namespace's, and makes the names of requests such as nobody has sent before. */
  constructor(urls: readonly string[], headers: Readonly<Record<string, string>>, word: string, pace: Pace) {
    this.#urls = urls;
    this.#headers = headers;
    this.#word = word;
    this.#pace = pace;
  }

  /**
   * Looks whether this service is behind each address, and has no book of the namespace.
   *
   * @throws Unverifiable
   */
  async meet(isbns: readonly string[]): Promise<{ readonly revision: number; readonly hasShortList: boolean }> {
    const met: { revision: number; count: number }[] = [];
    for (const url of this.#urls) {
      const found = isbns.map((isbn, i) => `i${i}: bookByIsbn(isbn: ${JSON.stringify(isbn)}) { title }`).join(" ");
      const query = `all: booksConnection(first: 0) { totalCount } own: ${this.#own("nodes { title }")} ${found}`;
      const { data, extensions } = await this.#ask(url, query);
      const { revision, servedBy } = extensions?.consistency ?? {};
      if (!Number.isSafeInteger(revision) || typeof servedBy !== "string") {
        const what = "its answers do not say in extensions.consistency what they are true at";
        throw new Unverifiable([`${url}: ${what}: another service, or something on the way that takes it out`]);
      }
      const { all, own, ...books } = data;
      const taken = [...own.nodes, ...Object.values(books)].filter((book) => book !== null);
      if (taken.length > 0) {
        throw new Unverifiable([
          `${url}: there are books already of the kind that this program makes: ${titles(taken)}`,
        ]);
      }
      met.push({ revision, count: all.totalCount });
    }
    const [first] = met as [(typeof met)[0]];
    return {
      revision: Math.min(...met.map(({ revision }) => revision)),
      hasShortList: first.count <= SHORT_LIST,
    };
  }

  /**
   * Looks whether a book that was just written is to be had at each address.
   *
   * @throws Unverifiable
   */
  async expect(title: string): Promise<void> {
    for (const url of this.#urls) {
      const deadline = performance.now() + SAME_WITHIN_MS;
      while (!(await this.#ask(url, `book(title: ${JSON.stringify(title)}) { title }`)).data.book) {
        if (performance.now() > deadline) {
          const what = `${SAME_WITHIN_MS / 1000} s after a book was written through ${this.#urls[0]} it is not there`;
          throw new Unverifiable([
            `${url}: ${what}: the addresses are not of one catalogue, or this one is far behind`,
          ]);
        }
        await sleep(100);
      }
    }
  }

  /** The titles of the namespace that there are, as any address says. @throws Unverifiable */
  async left(): Promise<readonly string[]> {
    const titles: string[] = [];
    for (const url of this.#urls) {
      const { data } = await this.#ask(url, `own: ${this.#own("nodes { title }")}`);
      for (const { title } of data.own.nodes) titles.push(title);
    }
    return [...new Set(titles)];
  }

  #own(selection: string): string {
    return `booksConnection(search: ${JSON.stringify(this.#word)}, first: 500) { ${selection} }`;
  }

  /** The answer to a query that nobody has sent before, so that it is in no cache. */
  async #ask(url: string, fields: string): Promise<Json> {
    const query = `query Verify${this.#word}${this.#asked++} { ${fields} }`;
    let reason = "";
    for (let left = TRIES.count; left > 0; left--) {
      await this.#pace.turn();
      const answer = await post(url, { query, variables: {} }, this.#headers).catch((error: Error) => error);
      if (answer instanceof Error) reason = `it does not answer: ${reasonOf(answer)}`;
      else {
        const json = parsed(answer);
        if (json?.data && !json.errors) return json;
        refuse(url, answer, json);
        if ([429, 503].includes(answer.status)) this.#pace.refused(answer.headers["retry-after"]);
        reason = json?.errors ? `${json.errors[0]?.message}` : `it answers ${kindOf(answer)}`;
      }
      await sleep(TRIES.everyMs);
    }
    throw new Unverifiable([`${url}: ${reason}`]);
  }
}

/** Gives up where nothing will be better next time. */
function refuse(url: string, answer: HttpAnswer, json: Json): void {
  const { status } = answer;
  const [error] = json?.errors ?? [];
  const code = error?.extensions?.code;
  if (FORBIDDEN.includes(code) || status === 401) {
    throw new Unverifiable([
      `${url}: ${error?.message ?? `it answers ${status}`}: give a token (--token-file, VERIFY_TOKEN)`,
    ]);
  }
  if (code === "DOCUMENT_NOT_ALLOWED") {
    throw new Unverifiable([
      `${url}: it answers known documents alone (PERSISTED_DOCUMENTS), and none of this program`,
    ]);
  }
  if (code === "GRAPHQL_VALIDATION_FAILED" || (error && status < 500 && json.data === undefined && !code)) {
    throw new Unverifiable([`${url}: this is another GraphQL service: ${error.message}`]);
  }
  if (!json?.errors && !json?.data && ![429, 502, 503, 504].includes(status)) {
    throw new Unverifiable([`${url}: this is no GraphQL service: it answers ${kindOf(answer)}`]);
  }
}

function parsed(answer: HttpAnswer): Json {
  try {
    return jsonOf(answer);
  } catch {
    return undefined;
  }
}

function kindOf({ status, headers }: HttpAnswer): string {
  return `${status}${headers["content-type"] ? `, ${headers["content-type"]}` : ""}`;
}

function reasonOf(error: NodeJS.ErrnoException & { readonly errors?: readonly Error[] }): string {
  return error.message || error.errors?.map(({ message }) => message).join(", ") || `${error.code}`;
}

function titles(books: readonly { readonly title?: string }[]): string {
  return books.map((book) => JSON.stringify(book.title)).join(", ");
}
