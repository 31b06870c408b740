import type { IncomingMessage } from "node:http";
import type { Access } from "../graphql/execution/access.ts";
import { addressOf } from "./client-address.ts";
import { LastAsked } from "./last-asked.ts";

/** What tells an address is kept with a connection if it is no longer: clients send what they like. */
const MAX_KEPT = 200;

/** Tells clients apart: by who they have shown to be, else by their addresses. */
export class Clients {
  readonly #trustProxy: boolean;

  constructor(trustProxy: boolean) {
    this.#trustProxy = trustProxy;
  }

  /** By what whoever sends this request is known; `last` is who has asked before him over the same connection. */
  nameOf(request: IncomingMessage, access: Access | undefined, last = new LastAsked()): string {
    // a subject is a digest, in which there is no blank; as it is, its own hash is known, and not made for each request
    return access?.asker.subject || this.#nameByAddress(request, last);
  }

  #nameByAddress({ headers, socket }: IncomingMessage, last: LastAsked): string {
    const forwarded = this.#trustProxy ? headers["x-forwarded-for"]?.toString() : undefined;
    const text = forwarded ?? socket.remoteAddress ?? "";
    if (text === last.address) return last.name;
    const name = `address ${addressOf(forwarded, socket.remoteAddress ?? "")}`;
    if (text.length <= MAX_KEPT) Object.assign(last, { address: text, name });
    return name;
  }
}
