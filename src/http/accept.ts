import Negotiator from "negotiator";
import { EVENT_STREAM_TYPE, GRAPHQL_RESPONSE_TYPE, JSON_TYPE } from "../graphql/execution/request.ts";
import { Remembered } from "./remembered.ts";

export const HTML_TYPE = "text/html";

export type AnswerType = typeof JSON_TYPE | typeof GRAPHQL_RESPONSE_TYPE | typeof EVENT_STREAM_TYPE | typeof HTML_TYPE;

/** Clients may ask for the character set, too, as the GraphQL over HTTP specification shows it. */
const CHARSET = "; charset=utf-8";
/** In the order in which they are taken by those who do not mind. */
const DATA_TYPES = [JSON_TYPE, GRAPHQL_RESPONSE_TYPE].map((type) => type + CHARSET);
const EVENT_TYPES = [...DATA_TYPES, EVENT_STREAM_TYPE + CHARSET];
const PAGE_TYPES = [...DATA_TYPES, HTML_TYPE + CHARSET, EVENT_STREAM_TYPE + CHARSET];

/** Nobody has need of a longer one. */
const MAX_LENGTH = 500;

/** What the answer is, by what a request accepts. */
export class Negotiation {
  readonly #preferred: Remembered<AnswerType | undefined>;

  /** @param withPage whether a page for people is to be had as well */
  constructor(withPage: boolean) {
    const types = withPage ? PAGE_TYPES : EVENT_TYPES;
    this.#preferred = new Remembered(MAX_LENGTH, (accept) => {
      const preferred = new Negotiator({ headers: { accept } }).mediaType([...types]);
      return preferred?.slice(0, -CHARSET.length) as AnswerType | undefined;
    });
  }

  /** The type that is preferred; undefined when none of them is acceptable. */
  typeFor(accept: string | undefined): AnswerType | undefined {
    // an empty one says nothing, and to read one of 16 kB takes 5 ms
    if (!accept || accept.length > MAX_LENGTH) return JSON_TYPE;
    return this.#preferred.of(accept);
  }
}
