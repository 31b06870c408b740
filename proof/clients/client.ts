import { Agent, request as httpRequest } from "node:http";
import type { History } from "../history/history.ts";
import { isMutation, type Operation, type Outcome, type Request } from "../history/operation.ts";
import type { Member } from "../torture/cluster/member.ts";
import { documentOf } from "./documents.ts";
import { outcomeOf } from "./outcomes.ts";

/** Generous: a process that is only slow is not at fault. */
const TIMEOUT_MS = 10_000;

/**
 * Connections are kept: what waits on one is the first that a process reads when it goes on after a stop. An idle one
 * is dropped long before the server does so after five seconds, lest a request meet a connection that is being closed.
 */
const agent = new Agent({ keepAlive: true, timeout: 1500 });

/** Sends a request to a process and records it, from invocation to completion. Never throws: a failure is an outcome. */
export async function perform(
  history: History,
  client: string,
  member: Member,
  request: Request,
  atLeast?: number,
): Promise<Operation> {
  const operation = history.invoke(client, member, request, atLeast);
  if (isMutation(request)) member.mutating.set(operation, history.now);
  let outcome: Outcome;
  try {
    const { query, variables } = documentOf(request);
    const extensions = atLeast === undefined ? undefined : { consistency: { atLeast } };
    const answer = await post(member.url, JSON.stringify({ query, variables, extensions }));
    outcome = outcomeOf(request, answer, (book) => history.keep(book));
  } catch (error) {
    const { code = "NO_ANSWER", message } = error as NodeJS.ErrnoException;
    // nothing was sent where nobody listens
    outcome = { kind: "failed", code, message, definite: code === "ECONNREFUSED" };
  }
  member.mutating.delete(operation);
  if (outcome.kind === "failed") outcome = { ...outcome, excuse: member.outageSince(operation.invoked.ms) };
  history.complete(operation, outcome);
  return operation;
}

/** Whether a process answers a point read from Redis. */
export async function answersFromRedis(history: History, member: Member): Promise<boolean> {
  const { outcome } = await perform(history, "observer", member, { kind: "book", title: "any" });
  return outcome?.kind === "read" && outcome.servedBy === "redis";
}

function post(url: string, body: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const request = httpRequest(url, { method: "POST", agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", fail);
      response.on("end", () => {
        clearTimeout(overdue);
        const text = Buffer.concat(chunks).toString();
        try {
          resolve(JSON.parse(text));
        } catch {
          reject(new Error(`status ${response.statusCode}: ${text.slice(0, 100)}`));
        }
      });
    });
    const overdue = setTimeout(() => request.destroy(new Error("it took too long")), TIMEOUT_MS);
    const fail = (error: Error) => {
      clearTimeout(overdue);
      reject(error);
    };
    request.on("error", fail);
    request.end(body);
  });
}
