import { type AnswerText, bodyOf, restOf } from "../graphql/execution/answer-text.ts";
import type { GraphqlRequest, GraphqlResponse } from "../graphql/execution/request.ts";
import { revisionHeader } from "../graphql/execution/revision-headers.ts";
import { Compression } from "./compression.ts";
import { entityTag, hasTag } from "./entity-tag.ts";
import type { Exchange } from "./exchange.ts";

/** What only its client may keep, and asks about each time: no clock says what is true now. */
const ASKED_FOR_ANEW = "private, no-cache";

type Type = GraphqlRequest["accept"];

/** Sends what GraphQL answers, with what HTTP says of it. */
export class DataAnswers {
  readonly #compression = new Compression();

  send(exchange: Exchange, type: Type, response: GraphqlResponse): Promise<void> | undefined {
    if (response.text) return this.sendText(exchange, type, response.text);
    const { status, headers, body, report } = response;
    exchange.send(status, { ...headers, ...revisionOf(report) }, body);
    return undefined;
  }

  /** An answer without errors. What was asked for by GET need not be sent to who has it. */
  sendText(exchange: Exchange, type: Type, text: AnswerText): Promise<void> | undefined {
    const { method, headers } = exchange.request;
    const more: Record<string, string> = revisionOf(text.report);
    if (method !== "POST") {
      const tag = entityTag(text.head);
      more.etag = tag;
      more["cache-control"] = ASKED_FOR_ANEW;
      const has = headers["if-none-match"];
      if (has !== undefined && hasTag(has, tag)) {
        exchange.send(304, more);
        return undefined;
      }
    }
    const encoding = this.#compression.encodingFor(headers["accept-encoding"]);
    const packed = encoding && this.#compression.compress(encoding, text.head, restOf(text));
    if (!packed) {
      exchange.answer(200, type, bodyOf(text), more);
      return undefined;
    }
    more["content-encoding"] = encoding;
    if (packed instanceof Promise) return packed.then((bytes) => exchange.answer(200, type, bytes, more));
    exchange.answer(200, type, packed, more);
    return undefined;
  }
}

function revisionOf(report: AnswerText["report"]): Record<string, string> {
  const revision = revisionHeader(report);
  return revision === undefined ? {} : { "consistency-revision": revision };
}
