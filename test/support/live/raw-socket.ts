import { once } from "node:events";
import type { Socket } from "node:net";
import { onTestFinished } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import { eventually } from "../wait.ts";

export const INIT = { type: "connection_init" };

export function subscribeMessage(id: string, query: string, more: object = {}) {
  return { id, type: "subscribe", payload: { query, ...more } };
}

/** A bare WebSocket, for what no client of the protocol would send. */
export class RawSocket {
  readonly webSocket: WebSocket;
  // biome-ignore lint/suspicious/noExplicitAny: messages of every shape
  readonly messages: any[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;

  constructor(
    { url }: { readonly url: string },
    protocol: string | string[] = "graphql-transport-ws",
    options: ClientOptions = {},
  ) {
    this.webSocket = new WebSocket(url.replace("http", "ws"), protocol, options);
    this.webSocket.on("message", (text) => this.messages.push(JSON.parse(String(text))));
    this.webSocket.on("close", (code, reason) => {
      this.closed = { code, reason: String(reason) };
    });
    this.webSocket.on("error", () => {});
    onTestFinished(() => this.webSocket.terminate());
  }

  /** Says hello, and waits until it is let in. */
  async hello(message: object = INIT): Promise<this> {
    await this.send(message);
    await this.message("connection_ack");
    return this;
  }

  /** Sends messages when it is open; a text is sent as it is. */
  async send(...messages: (object | string)[]): Promise<this> {
    if (this.webSocket.readyState === this.webSocket.CONNECTING) await once(this.webSocket, "open");
    for (const message of messages)
      this.webSocket.send(typeof message === "string" ? message : JSON.stringify(message));
    return this;
  }

  // biome-ignore lint/suspicious/noExplicitAny: see above
  message(type: string, id?: string): Promise<any> {
    return eventually(`${type} ${id}`, () => this.messages.find((one) => one.type === type && one.id === id));
  }

  /** How it was closed, once it is. */
  async close(): Promise<{ readonly code: number; readonly reason: string }> {
    await eventually("its end", () => this.closed);
    return this.closed as { code: number; reason: string };
  }

  /** The connection under it. */
  get socket(): Socket {
    return Reflect.get(this.webSocket, "_socket");
  }
}
