import { randomBytes, randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Judge } from "../checker/judge.ts";
import type { Violation } from "../checker/violation.ts";
import { perform } from "../clients/client.ts";
import { Namespace } from "../clients/namespace.ts";
import { Random } from "../clients/random.ts";
import { type Source, Subscribers } from "../clients/subscribers.ts";
import { Workload } from "../clients/workload.ts";
import { Checking } from "../history/checking.ts";
import { Evidence } from "../history/evidence.ts";
import { History } from "../history/history.ts";
import { Tally } from "../history/tally.ts";
import { CleanUp } from "./clean-up.ts";
import { Door } from "./door.ts";
import { Introduction } from "./introduction.ts";
import { LogUnread, ToldLog } from "./log.ts";
import { Pace } from "./pace.ts";
import { Unverifiable } from "./refusal.ts";
import { showExchange } from "./show-exchange.ts";
import { showLeft } from "./verdict.ts";

/** How often the first write is tried. */
const FIRST_TRIES = 5;
/** Of the clients' own, beside what is written. */
const ISBNS = 6;

export interface VerifyOptions {
  /** Of GraphQL, all of one service. */
  readonly urls: readonly string[];
  /** A bearer token. */
  readonly token?: string | undefined;
  readonly seed: number;
  readonly clients: number;
  /** Requests per second, of everything together. */
  readonly rate: number;
  /** How long clients write and read. Milliseconds. */
  readonly ms: number;
  /** `READ_LEASE_MS` of the service, the longest of its processes. */
  readonly leaseMs: number;
  /** Ends the run early. */
  readonly signal?: AbortSignal | undefined;
}

export interface VerifyResult {
  readonly options: VerifyOptions;
  readonly history: History;
  readonly pace: Pace;
  readonly subscribers: Subscribers;
  /** The word that all titles begin with. */
  readonly word: string;
  /** The titles that could not be deleted, or why it is not known which. */
  readonly left: readonly string[] | string;
  /** Why not everything could be judged. */
  readonly unjudged: string | undefined;
  /** How long clients wrote and read. Milliseconds. */
  readonly lasted: number;
}

/** Those who look on while a run goes on. */
export interface VerifyOnlookers {
  /** Told once of the word that all titles begin with, before any is written. */
  readonly onStart?: (word: string) => void;
  /** Told now and then. */
  readonly onProgress?: (history: History) => void;
}

/**
 * Writes and reads books of a namespace of its own through all addresses of a service, holds the answers against the
 * promise, and deletes the books.
 *
 * @throws Unverifiable when that cannot be done
 */
export async function verify(options: VerifyOptions, onlookers: VerifyOnlookers = {}): Promise<VerifyResult> {
  const { urls, token, signal } = options;
  const word = `verify${randomBytes(8).toString("hex")}`;
  // no book has one that begins so
  const isbns = Array.from({ length: ISBNS }, () => `000${String(randomInt(10 ** 10)).padStart(10, "0")}`);
  const headers: Readonly<Record<string, string>> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const pace = new Pace(options.rate);
  const introduction = new Introduction(urls, headers, word, pace);
  const { revision, hasShortList } = await introduction.meet(isbns);

  const history = newHistory(options);
  const random = new Random(options.seed);
  const names = new Namespace({ word, isbns, hasShortList });
  const read = (...args: Parameters<ToldLog["read"]>) => log.read(...args);
  const branch = history.grow("the service", read, undefined, revision);
  const installation = { clients: "all", names } as const;
  const doors: Door[] = [];
  for (const url of urls) doors.push(new Door(url, headers, { branch, installation }, () => doors, pace));
  const log: ToldLog = new ToldLog(history, doors, word);
  const cleanUp = new CleanUp(history, doors, introduction, random.fork());
  onlookers.onStart?.(word);

  const workload = new Workload(history, () => doors, random.fork(), options);
  const subscribers = new Subscribers(history, sourceOf(doors, log), random.fork());
  const checking = new Checking(history);
  const began = history.now;
  try {
    await writeFirst(history, doors, names, introduction);
  } catch (error) {
    await checking.stop().catch(() => {});
    throw new Unverifiable([...linesOf(error), ...showLeft(await cleanUp.run(), word)]);
  }
  subscribers.start();
  const progress = setInterval(() => onlookers.onProgress?.(history), 1000);
  workload.start();
  await Promise.race([sleep(options.ms), aborted(signal), checking.failed.catch(() => {})]);
  clearInterval(progress);
  await workload.stop();
  const lasted = history.now - began;
  if (!signal?.aborted) await workload.readAll();
  const left = await cleanUp.run();
  await subscribers.stop();
  let unjudged: string | undefined;
  try {
    await checking.stop().catch(() => {});
    await history.check();
  } catch (error) {
    unjudged = blameLog(error, history);
  }
  return { options, history, pace, subscribers, word, left, unjudged, lasted };
}

function newHistory(options: VerifyOptions): History {
  const bounds = { leaseMs: options.leaseMs, foreignMs: 0, scrubMs: 0, arePlacesShared: true };
  const judge = new Judge(bounds, (violation: Violation) => evidence.add(violation));
  const progress = () => ({ ms: history.now, operations: history.nextId });
  const evidence = new Evidence(progress, (name, from, to) => judge.log(name, from, to), undefined, showExchange);
  const history: History = new History(judge, evidence, new Tally());
  return history;
}

/** Writes one book, so that whatever forbids that is known at once, and sees it through every address. */
async function writeFirst(history: History, doors: readonly Door[], names: Namespace, introduction: Introduction) {
  const [door] = doors as [Door];
  const title = names.still[0] as string;
  for (let left = FIRST_TRIES; ; left--) {
    const input = { author: names.author(history.newNumber()) };
    const { outcome } = await perform(history, "first writer", door, { kind: "add", title, input });
    // by one that was not answered
    if (outcome?.kind === "acknowledged" || outcome?.kind === "refused") return introduction.expect(title);
    const { code = "", message = "" } = outcome?.kind === "failed" ? outcome : {};
    if (["FORBIDDEN", "UNAUTHENTICATED"].includes(code)) {
      throw new Unverifiable([`${door.url}: ${message} Give a token that may write (--token-file, VERIFY_TOKEN).`]);
    }
    if (left <= 1) throw new Unverifiable([`${door.url}: no book can be written: ${code} ${message}`]);
  }
}

function sourceOf(doors: readonly Door[], log: ToldLog): Source {
  return {
    servers: () => doors,
    branch: () => (doors[0] as Door).branch,
    revision: async () => log.revision,
    changes: async () => {
      await log.read((doors[0] as Door).branch, Math.max(0, ...log.changes.keys())).catch(() => {});
      return log.changes;
    },
    // what may not be asked for is not promised; who comes back must be able to go on
    mayRefuse: (code) => !["REVISION_NOT_REACHED", "REVISION_TRIMMED"].includes(code),
    isAlone: false,
  };
}

function linesOf(error: unknown): readonly string[] {
  if (error instanceof Unverifiable) return error.lines;
  throw error;
}

function blameLog(error: unknown, history: History): string {
  if (!(error instanceof LogUnread)) throw error;
  const { message, operations } = error;
  const rule = "no answer is older than an acknowledged mutation";
  if (operations.length > 0) history.blame([{ rule, what: message, operations }]);
  return message;
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve();
    signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}
