import type { History } from "../history/history.ts";
import { isMutation, type Operation, type Outcome, type Request } from "../history/operation.ts";
import { documentOf } from "./documents.ts";
import { outcomeOf } from "./outcomes.ts";
import type { Server } from "./server.ts";

/** Sends a request to a server and records it, from invocation to completion. Never throws: a failure is an outcome. */
export async function perform(
  history: History,
  client: string,
  server: Server,
  request: Request,
  atLeast?: number,
): Promise<Operation> {
  await server.turn();
  const operation = history.invoke(client, server, request, atLeast);
  if (isMutation(request)) server.mutating.set(operation, history.now);
  let outcome: Outcome;
  try {
    const extensions = atLeast === undefined ? undefined : { consistency: { atLeast } };
    const answer = await server.ask(operation, { ...documentOf(request), extensions });
    outcome = outcomeOf(request, answer, server.installation.names, (book) => history.keep(book));
  } catch (error) {
    const { code = "NO_ANSWER", message } = error as NodeJS.ErrnoException;
    // nothing was sent where nobody listens
    outcome = { kind: "failed", code, message, definite: code === "ECONNREFUSED" };
  }
  server.mutating.delete(operation);
  if (outcome.kind === "failed") outcome = { ...outcome, excuse: server.outageSince(operation.invoked.ms) };
  history.complete(operation, outcome);
  return operation;
}

/** Whether a server answers a point read from Redis. */
export async function answersFromRedis(history: History, server: Server): Promise<boolean> {
  const { outcome } = await perform(history, "observer", server, { kind: "book", title: "any" });
  return outcome?.kind === "read" && outcome.servedBy === "redis";
}
