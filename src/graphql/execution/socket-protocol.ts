import { GraphQLError, parse } from "graphql";
import { makeServer } from "graphql-ws";
import type { GraphQLParams } from "graphql-yoga";
import { type Access, ANONYMOUS } from "./access.ts";
import type { RequestNames, RequestTrace } from "./request.ts";
import type { EndOfSubscription, SubscribeRequest, Subscription } from "./subscriptions.ts";

/** A client that has connected must say that it speaks the protocol, within so many milliseconds. */
const INIT_TIMEOUT_MS = 10_000;

/** A reason for closing may have 123 bytes; those here are ASCII. */
const MAX_REASON = 120;

/** The library looks for an operation in it; which one was asked for is decided here. */
const ANY_SUBSCRIPTION = parse("subscription { any }");

/** An open socket, as the protocol needs it. */
export interface LiveSocket {
  /** The subprotocol that was agreed on. */
  readonly protocol: string;
  /** Sends a text, and returns when the system has taken it. */
  send(text: string): Promise<void>;
  close(code: number, reason: string): void;
}

/** One client over one socket. */
export interface SocketSession {
  /** @returns when all that the message asks for is over, which for a subscription may take for ever */
  take(message: string): Promise<void>;
  /** Ends all that it was told of. */
  closed(code: number, reason: string, why: EndOfSubscription): void;
  /** Where to go on, for a client that has received all that was sent; undefined while nothing was. */
  readonly sentUpTo: number | undefined;
}

/** Somebody at the other end of a socket: what is the same for all that he asks. */
export interface SocketClient {
  /** By what he is known, once it is known what he may. */
  nameOf(access: Access | undefined): string;
  /** What he has sent with his request for the socket; a page can send nothing then. */
  readonly authorization: string | undefined;
  /** By what the log names all that he asks, and to what it belongs. */
  readonly names: RequestNames;
  readonly trace: RequestTrace | undefined;
  isGone(): boolean;
}

/** What the protocol asks before it lets anybody in. */
export interface Door {
  begin(request: SubscribeRequest): Promise<Subscription | readonly GraphQLError[]>;
  /** Who has this token, or why he is not let in. */
  authenticate(
    authorization: string | undefined,
  ): Promise<Access | { readonly status: number; readonly code: string; readonly message: string }>;
  /** Counts what a client asks, where that is limited. */
  readonly rate: { take(client: string): Verdict | Promise<Verdict> } | undefined;
  /** Counts who was not let in, by code. */
  refused(code: string): void;
}

interface Verdict {
  readonly isAllowed: boolean;
  readonly retryAfterS: number;
}

/** What the library keeps with a socket. */
interface Extra {
  readonly client: SocketClient;
  readonly socket: LiveSocket;
  readonly subscriptions: Set<Sent>;
  /** The ids of those that are about to begin. */
  readonly beginning: Set<string>;
  access: Access;
}

/** Clients come back after these: with another token, or later. */
const CLOSE = { forbidden: 4403, later: 1013, idInUse: 4409 } as const;

/** The protocol graphql-transport-ws, as graphql-ws has it. It carries subscriptions only. */
export class SocketProtocol {
  readonly #server;

  readonly #door: Door;

  constructor(door: Door) {
    this.#door = door;
    this.#server = makeServer<Record<string, unknown>, Extra>({
      connectionInitWaitTimeout: INIT_TIMEOUT_MS,
      onConnect: ({ connectionParams, extra }) => this.#letIn(extra, connectionParams),
      onSubscribe: async ({ extra }, id, payload) => {
        const { client, socket, access, subscriptions, beginning } = extra;
        // one that was ended before it began is still there, and the library would take it for this one
        if (beginning.has(id)) socket.close(CLOSE.idInUse, "The subscription of this id has not ended yet");
        beginning.add(id);
        const tooOften = await this.#tooOften(client.nameOf(access));
        if (tooOften) {
          beginning.delete(id);
          return [tooOften];
        }
        const isGone = () => client.isGone();
        const params = payload as GraphQLParams;
        const { names, trace } = client;
        const asked = { transport: "websocket", client: client.nameOf(access), access, isGone, params } as const;
        const begun = await door.begin({ ...asked, names, trace });
        beginning.delete(id);
        if (!("next" in begun)) return begun;
        const sent = new Sent(begun, () => subscriptions.delete(sent));
        subscriptions.add(sent);
        // it was closed meanwhile, and nobody would end this
        if (isGone()) sent.end();
        return { schema: undefined as never, document: ANY_SUBSCRIPTION, rootValue: sent, contextValue: undefined };
      },
      subscribe: ({ rootValue }) => rootValue as never,
      // it is as clients are to have it
      onNext: (_, __, ___, ____, result) => result as never,
      // the library keeps the message alone of what was thrown
      onError: ({ extra }, _, __, errors) => {
        const told = errors.map(causeOf);
        // his token has expired, or was never one: with another he is welcome
        if (extra.access.until <= Date.now()) {
          setImmediate(() => extra.socket.close(CLOSE.forbidden, "The token has expired"));
        }
        return told.map((error) => error.toJSON());
      },
    });
  }

  /** Finds out who it is; to try tokens is to ask. */
  async #letIn(extra: Extra, params: Readonly<Record<string, unknown>> | undefined): Promise<boolean> {
    const { client, socket } = extra;
    const access = await this.#door.authenticate(tokenIn(params, client.authorization));
    if ("asker" in access) {
      extra.access = access;
      return true;
    }
    if (await this.#tooOften(client.nameOf(undefined))) {
      socket.close(CLOSE.later, "Too many requests in a minute");
      return false;
    }
    this.#door.refused(access.code);
    socket.close(access.status === 401 ? CLOSE.forbidden : CLOSE.later, access.message.slice(0, MAX_REASON));
    return false;
  }

  async #tooOften(client: string): Promise<GraphQLError | undefined> {
    const verdict = await this.#door.rate?.take(client);
    if (!verdict || verdict.isAllowed) return undefined;
    this.#door.refused("RATE_LIMITED");
    return new GraphQLError("Too many requests in a minute; come again later.", {
      extensions: { code: "RATE_LIMITED", retryAfter: verdict.retryAfterS },
    });
  }

  open(socket: LiveSocket, client: SocketClient): SocketSession {
    const subscriptions = new Set<Sent>();
    let take: SocketSession["take"] = async () => {};
    const closed = this.#server.opened(
      {
        ...socketOf(socket),
        onMessage: (listener) => {
          take = listener;
        },
      },
      { client, socket, subscriptions, beginning: new Set(), access: ANONYMOUS },
    );
    return {
      take,
      closed: (code, reason, why) => {
        for (const sent of subscriptions) sent.end(why);
        void closed(code, reason);
      },
      get sentUpTo() {
        const revisions = [...subscriptions].flatMap(({ revision }) => revision ?? []);
        return revisions.length > 0 ? Math.min(...revisions) : undefined;
      },
    };
  }
}

/** What he has sent as his token: in the payload of `connection_init`, by either spelling, or with the request. */
function tokenIn(params: Readonly<Record<string, unknown>> | undefined, authorization: string | undefined) {
  const given = params?.Authorization ?? params?.authorization;
  return typeof given === "string" ? given : authorization;
}

function causeOf(error: GraphQLError): GraphQLError {
  return error.cause instanceof GraphQLError ? error.cause : error;
}

function socketOf({ protocol, send, close }: LiveSocket) {
  return { protocol, send, close };
}

/** A subscription as the library takes it. Ended before it was first asked, a generator would not notice. */
class Sent implements AsyncGenerator<object, void, void> {
  readonly #subscription: Subscription;
  readonly #onEnd: () => void;
  /** Up to where its client knows everything that came before whatever is sent next. */
  revision: number | undefined;

  constructor(subscription: Subscription, onEnd: () => void) {
    this.#subscription = subscription;
    this.#onEnd = onEnd;
    this.revision = subscription.startsAt;
  }

  async next(): Promise<IteratorResult<object, void>> {
    const told = await this.#subscription.next();
    if (!told) {
      this.end();
      return { value: undefined, done: true };
    }
    this.revision = told.revision;
    return { value: told.result, done: false };
  }

  async return(): Promise<IteratorResult<object, void>> {
    this.end();
    return { value: undefined, done: true };
  }

  async throw(error: unknown): Promise<never> {
    this.end();
    throw error;
  }

  end(reason: EndOfSubscription = "left"): void {
    this.#subscription.end(reason);
    this.#onEnd();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end();
  }
}
