import { get, type HttpAnswer, jsonOf, post, urlOf } from "../clients/http.ts";
import type { Document, Server, Service } from "../clients/server.ts";
import type { Branch } from "../history/branch.ts";
import { isMutation, type Operation } from "../history/operation.ts";
import type { Pace } from "./pace.ts";

/** What a server answers that has too much to do. */
const BUSY = [429, 503];
/** Answers to GETs that are kept, so that they can be asked for anew by their `ETag`. */
const MOST_KEPT = 200;
/** What is kept of a text for the evidence. Characters. */
const KEPT_CHARACTERS = 2000;

interface KeptAnswer {
  readonly tag: string;
  readonly text: string;
}

/** One address of the service, behind which there is whatever there is. */
export class Door implements Server {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly branch: Branch;
  readonly installation: Service;
  readonly idle = false;
  readonly outage = undefined;
  readonly mutating = new Map<object, number>();
  readonly #all: () => readonly Door[];
  readonly #pace: Pace;
  readonly #kept = new Map<string, KeptAnswer>();

  constructor(
    url: string,
    headers: Readonly<Record<string, string>>,
    place: { readonly branch: Branch; readonly installation: Service },
    all: () => readonly Door[],
    pace: Pace,
  ) {
    this.url = url;
    this.headers = headers;
    this.branch = place.branch;
    this.installation = place.installation;
    this.#all = all;
    this.#pace = pace;
  }

  get incarnation(): string {
    return this.url;
  }

  get others(): readonly Door[] {
    return this.#all().filter((other) => other !== this);
  }

  /** What is between here and the service may lose whatever it likes. */
  outageSince(): string {
    return "something on the way";
  }

  turn(): Promise<void> {
    return this.#pace.turn();
  }

  /** Mutations go by POST; reads by POST or by GET, some of which ask whether what was answered before still holds. */
  async ask(operation: Operation, document: Document): Promise<unknown> {
    const byGet = !isMutation(operation.request) && operation.id % 2 === 1;
    const key = urlOf(this.url, document);
    const kept = byGet && operation.id % 4 === 1 ? this.#kept.get(key) : undefined;
    // what tells one from the other comes first
    const { query, ...own } = document;
    const sent = short(JSON.stringify({ ...own, query }));
    const began = { method: byGet ? "GET" : "POST", sent, sentAt: Date.now() };
    try {
      const headers = { ...this.headers, ...(kept && { "if-none-match": kept.tag }) };
      const answer = await (byGet ? get : post)(this.url, document, headers);
      const { status, text } = answer;
      const received = { status, headers: answer.headers, received: short(text) };
      operation.exchange = { ...began, answeredAt: Date.now(), ...received };
      if (BUSY.includes(status)) this.#pace.refused(answer.headers["retry-after"]);
      else this.#pace.answered();
      if (kept && status === 304) return revised(kept, answer);
      if (byGet) this.#keep(key, answer);
      return jsonOf(answer);
    } catch (error) {
      operation.exchange ??= { ...began, answeredAt: Date.now() };
      throw error;
    }
  }

  #keep(key: string, { headers: { etag }, text }: HttpAnswer): void {
    this.#kept.delete(key);
    if (etag === undefined) return;
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
    this.#kept.set(key, { tag: etag, text });
  }
}

/** What was kept, which still holds: at the revision that the header of the 304 says. */
function revised({ text }: KeptAnswer, { headers }: HttpAnswer): unknown {
  const revision = Number(headers["consistency-revision"]);
  if (!Number.isSafeInteger(revision)) throw new Error("status 304 without Consistency-Revision");
  const { extensions, ...answer } = JSON.parse(text);
  return { ...answer, extensions: { ...extensions, consistency: { ...extensions?.consistency, revision } } };
}

function short(text: string): string {
  return text.length > KEPT_CHARACTERS ? `${text.slice(0, KEPT_CHARACTERS)}…` : text;
}
