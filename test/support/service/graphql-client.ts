import { appendFileSync } from "node:fs";
import { request } from "node:http";
import { expect } from "vitest";
import { ADD_BOOK, ADJUST_STOCK, BOOK, DELETE_BOOK, UPDATE_BOOK } from "./book-requests.ts";

/** Where every operation that the suite sends is noted, for the test that holds them against the schema. */
const RECORD = process.env.OPERATIONS_RECORD;

export interface GraphqlResponse {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly data: any;
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly errors: any[] | undefined;
  readonly consistency: { readonly revision: number; readonly servedBy: "redis" | "database" | "both" };
  /** Told when it was asked for. */
  readonly cost: number | undefined;
  readonly headers: Headers;
  /** Of the body. */
  readonly length: number;
}

export interface GraphqlRequest {
  readonly variables?: Record<string, unknown>;
  readonly operationName?: string;
  readonly extensions?: unknown;
}

/** Of large answers, which are many, only the question is noted: what they show, small ones do as well. */
const LARGEST_NOTE = 20_000;

/** What is in the record already, without its numbers: most operations are like others but for those. */
const notes = new Set<string>();

/** Notes an operation whose document is one that the schema allows. `length` is that of its answer, if it is known. */
export function noted(operation: { query: string; variables: unknown; data: unknown }, length = 0): void {
  if (!RECORD) return;
  const note = JSON.stringify(length > LARGEST_NOTE ? { ...operation, data: null } : operation);
  const kind = note.replaceAll(/\d+/g, "0");
  if (notes.has(kind)) return;
  notes.add(kind);
  appendFileSync(RECORD, `${note}\n`);
}

/** Sends JSON and returns the answer. By `fetch` that would take as much of the processor as the service takes to answer. */
function post(url: string, body: string): Promise<{ status: number; headers: Headers; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; headers: Headers; text: string }>();
  const options = { method: "POST", headers: { "content-type": "application/json" } };
  request(url, options, (response) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (part: string) => {
      text += part;
    });
    response.on("error", reject);
    response.on("end", () => {
      const headers = new Headers(response.headers as Record<string, string>);
      resolve({ status: response.statusCode ?? 0, headers, text });
    });
  })
    .on("error", reject)
    .end(body);
  return promise;
}

/** A GraphQL client of the service at `url`. */
export class GraphqlClient {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** Sends a request and returns the answer, whatever it is. The document must be one that the schema allows. */
  async send(query: string, request: GraphqlRequest = {}): Promise<GraphqlResponse> {
    const response = await this.sendInvalid(query, request);
    const { variables } = request;
    noted({ query, variables, data: response.data }, response.length);
    return response;
  }

  /** Sends a request whose document is deliberately one that the schema does not allow. It is not noted. */
  async sendInvalid(query: string, request: GraphqlRequest = {}): Promise<GraphqlResponse> {
    const { status, headers, text } = await post(this.url, JSON.stringify({ query, ...request }));
    const { data, errors, extensions } = JSON.parse(text);
    const { consistency, cost } = extensions ?? {};
    return { status, data, errors, consistency, cost, headers, length: text.length };
  }

  /** Sends a request that must succeed, and returns its data with the consistency report. */
  async ask(query: string, request: GraphqlRequest = {}): Promise<GraphqlResponse> {
    const response = await this.send(query, request);
    expect(response.errors, query).toBeUndefined();
    return response;
  }

  /** Adds a book with this title; the rest has defaults. */
  async addBook(title: string, fields: Record<string, unknown> = {}): Promise<GraphqlResponse> {
    const input = { title, author: "Author Name", ...fields };
    const response = await this.ask(ADD_BOOK, { variables: { input } });
    expect(response.data.addBook.__typename, JSON.stringify(response.data)).toBe("Book");
    return response;
  }

  async updateBook(title: string, input: Record<string, unknown>): Promise<GraphqlResponse> {
    return this.ask(UPDATE_BOOK, { variables: { title, input } });
  }

  async adjustStock(title: string, by: number, idempotencyKey?: string): Promise<GraphqlResponse> {
    return this.ask(ADJUST_STOCK, { variables: { title, by, idempotencyKey } });
  }

  async deleteBook(title: string, expectedVersion?: number): Promise<GraphqlResponse> {
    return this.ask(DELETE_BOOK, { variables: { title, expectedVersion } });
  }

  async book(title: string, atLeast?: number): Promise<GraphqlResponse> {
    return this.ask(BOOK, { variables: { title }, extensions: { consistency: { atLeast } } });
  }

  /** The titles of the whole catalogue. */
  async titles(): Promise<string[]> {
    const { data } = await this.ask("{ books { title } }");
    return data.books.map(({ title }: { title: string }) => title);
  }
}
