import type { IncomingMessage } from "node:http";
import type { Access } from "../graphql/execution/access.ts";
import { addressOf } from "./client-address.ts";

/** Tells clients apart: by who they have shown to be, else by their addresses. */
export class Clients {
  readonly #trustProxy: boolean;

  constructor(trustProxy: boolean) {
    this.#trustProxy = trustProxy;
  }

  /** By what whoever sends this request is known. */
  nameOf(request: IncomingMessage, access: Access | undefined): string {
    // a subject is a digest, in which there is no blank; as it is, its own hash is known, and not made for each request
    return access?.asker.subject || `address ${addressOf(request, this.#trustProxy)}`;
  }
}
