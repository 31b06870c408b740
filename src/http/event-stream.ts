import { EVENT_STREAM_TYPE } from "../graphql/execution/request.ts";
import type { EndOfSubscription, Subscription } from "../graphql/execution/subscriptions.ts";
import type { Exchange } from "./exchange.ts";

/** An error as clients are told of it. */
interface Fault {
  readonly extensions: Readonly<Record<string, unknown>>;
  toJSON(): object;
}

const HEADERS = {
  "content-type": `${EVENT_STREAM_TYPE}; charset=utf-8`,
  // a proxy that collects an answer before it passes it on would pass on nothing
  "x-accel-buffering": "no",
} as const;

/** A browser comes back by itself after so long, by chance, so that not all come at once. Milliseconds. */
const COMES_BACK = { after: 500, within: 2500 };
/** The same for one that was refused: it asks the same again. */
const COMES_BACK_REFUSED = { after: 30_000, within: 30_000 };
/** What a client had better try again, though it is an error. */
const PASSING: readonly unknown[] = ["SERVICE_UNAVAILABLE", "DATABASE_UNAVAILABLE", "TIMED_OUT", "UNAUTHENTICATED"];

/**
 * Tells a client of what happens as an event stream, in the words of graphql-sse's distinct connections mode. The id of each
 * event is its revision, which a browser sends when it comes back by itself.
 *
 * A stream that ends without `complete` was cut off, for the client to come back.
 */
export async function sendEvents(exchange: Exchange, begun: Subscription | readonly Fault[]): Promise<void> {
  const { response } = exchange;
  if (exchange.isGone) {
    if ("end" in begun) begun.end("left");
    return;
  }
  if (!("end" in begun)) {
    exchange.begin(HEADERS, { stop: () => response.end(), giveUp: () => response.end() });
    response.end(comesBack(COMES_BACK_REFUSED) + faultsOf(begun));
    return;
  }
  await tell(exchange, begun);
}

async function tell(exchange: Exchange, subscription: Subscription): Promise<void> {
  const { response } = exchange;
  let revision = subscription.startsAt;
  const end = (reason?: EndOfSubscription, last = "") => {
    subscription.end(reason);
    if (!response.writableEnded) response.end(last);
  };
  response.on("close", () => subscription.end("left"));
  exchange.begin(HEADERS, {
    stop: () => end("stopping"),
    giveUp: () => end("cut", tooSlow(revision)),
    nudge: () => response.write(":\n\n"),
  });
  try {
    const { startsAt } = subscription;
    // without data it is no event, but a browser keeps the id
    await exchange.say(comesBack(COMES_BACK) + (startsAt === undefined ? "" : `id: ${startsAt}\n\n`));
    for (let told = await subscription.next(); told; told = await subscription.next()) {
      revision = told.revision;
      await exchange.say(`id: ${revision}\nevent: next\ndata: ${told.text}\n\n`);
    }
    end();
  } catch (error) {
    end(undefined, faultsOf([error as Fault]));
  }
}

function comesBack({ after, within }: typeof COMES_BACK): string {
  return `retry: ${after + Math.floor(Math.random() * within)}\n\n`;
}

function faultsOf(errors: readonly Fault[]): string {
  const passes = errors.every(({ extensions }) => PASSING.includes(extensions.code));
  const next = `event: next\ndata: ${JSON.stringify({ errors: errors.map((error) => error.toJSON()) })}\n\n`;
  return passes ? next : `${next}event: complete\ndata:\n\n`;
}

/** What a client is told that did not take what it was told before, if it ever reads on. */
function tooSlow(since: number | undefined): string {
  const extensions = { code: "TOO_SLOW", ...(since !== undefined && { since }) };
  const message = "What there was to be told was not taken, so no more is told; go on from the last revision.";
  return `event: next\ndata: ${JSON.stringify({ errors: [{ message, extensions }] })}\n\n`;
}
