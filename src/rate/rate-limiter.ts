import { LRUCache } from "lru-cache";
import type { SharedRate } from "../cqrs/redis/redis-rate.ts";
import { type Quota, take } from "./gcra.ts";

const WINDOW_MS = 60_000;
/**
 * What one process takes at once of what a client has left, as one of so many parts: it is then given out without asking.
 * So the limit is never passed, and what is lost to a client who goes from process to process is a few hundredths of it.
 */
const PARTS = 64;
/** Clients that are remembered; what others have used Redis knows. */
const MAX_CLIENTS = 20_000;

/** Whether a client may ask, and what it is to be told of it. Times are whole seconds from now. */
export interface Verdict {
  readonly isAllowed: boolean;
  readonly remaining: number;
  /** When all is there again. */
  readonly resetS: number;
  /** When the next one is there; 0 when it is. */
  readonly retryAfterS: number;
}

/** What this process knows of a client. Times are those of `performance.now()`. */
class Account {
  /** What was taken for it and not given out yet. */
  reserve = 0;
  takenAt = 0;
  left = 0;
  fullAt = 0;
  waiting = 0;
  asking: Promise<void> | undefined;
}

/** Who has asked last over a connection: mostly the same asks next, and need not be found among all. */
interface LastAsked {
  client: string | undefined;
  account: Account | undefined;
}

/**
 * How often each client may ask in a minute, in all processes together; in each by itself while there is no Redis. A
 * client that has used up what it may is refused here, without asking.
 */
export class RateLimiter {
  readonly limit: number;
  readonly #quota: Quota;
  readonly #shared: SharedRate | undefined;
  readonly #accounts = new LRUCache<string, Account>({ max: MAX_CLIENTS });

  constructor(limit: number, shared: SharedRate | undefined) {
    this.limit = limit;
    this.#quota = { limit, windowMs: WINDOW_MS };
    this.#shared = shared;
  }

  /** Counts a request of a client's. It is known at once, but for when more has to be taken. */
  take(client: string, last: LastAsked = { client: undefined, account: undefined }): Verdict | Promise<Verdict> {
    const account = (last.client === client && last.account) || this.#find(client, last);
    return this.#decide(account) ?? this.#askAndDecide(client, last);
  }

  /** What is given out of the reserve, or refused because there is nothing yet. */
  #decide(account: Account): Verdict | undefined {
    const now = performance.now();
    // it has come back meanwhile
    if (now - account.takenAt > WINDOW_MS) account.reserve = 0;
    if (account.reserve > 0) {
      account.reserve--;
      return this.#verdict(account, now, true);
    }
    return this.#msUntilNext(account, now) > 0 ? this.#verdict(account, now, false) : undefined;
  }

  async #askAndDecide(client: string, last: LastAsked): Promise<Verdict> {
    // so that it is among those that have asked lately, and known to all connections
    const account = this.#find(client, last);
    account.waiting++;
    try {
      for (;;) {
        account.asking ??= this.#takeMore(client, account).finally(() => {
          account.asking = undefined;
        });
        await account.asking;
        const verdict = this.#decide(account);
        if (verdict) return verdict;
      }
    } finally {
      account.waiting--;
    }
  }

  async #takeMore(client: string, account: Account): Promise<void> {
    const { limit } = this;
    const wanted = account.waiting;
    const grant = await this.#shared?.take(client, limit, WINDOW_MS, wanted, PARTS);
    const now = performance.now();
    const { given, left, fullInMs } = grant ?? take(this.#quota, account.fullAt, now, wanted);
    account.reserve += given;
    account.left = left;
    account.takenAt = now;
    account.fullAt = now + fullInMs;
  }

  #msUntilNext({ fullAt }: Account, now: number): number {
    return fullAt + WINDOW_MS / this.limit - WINDOW_MS - now;
  }

  #verdict(account: Account, now: number, isAllowed: boolean): Verdict {
    const { left, reserve, takenAt, fullAt } = account;
    const back = Math.floor(((now - takenAt) * this.limit) / WINDOW_MS);
    return {
      isAllowed,
      remaining: isAllowed ? Math.min(this.limit, left + reserve + back) : 0,
      resetS: Math.max(0, Math.ceil((fullAt - now) / 1000)),
      retryAfterS: isAllowed ? 0 : Math.max(1, Math.ceil(this.#msUntilNext(account, now) / 1000)),
    };
  }

  #find(client: string, last: LastAsked): Account {
    let account = this.#accounts.get(client);
    if (!account) {
      account = new Account();
      this.#accounts.set(client, account);
    }
    return Object.assign(last, { client, account }).account;
  }
}
