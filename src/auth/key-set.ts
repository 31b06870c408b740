import { createLocalJWKSet, errors, type JWTVerifyGetKey } from "jose";
import type { Logger } from "pino";

/** The keys are fetched anew so often, in milliseconds: what the issuer takes back is then no longer taken. */
const REFRESH_MS = 300_000;
/** How long the issuer may take, in milliseconds. */
const TIMEOUT_MS = 5000;
/** Tokens of keys that are not known may have the keys fetched so many times in a minute. Others wait for the next. */
const FETCHES_PER_MINUTE = 5;
const MINUTE_MS = 60_000;
const MAX_BYTES = 1_000_000;

/** There are no keys yet: nothing can be said of any token. */
export class KeysUnavailable extends Error {}

/**
 * The public keys of an issuer. They stay as they were while it cannot be asked. A token of a key that is not known has
 * them fetched anew, within bounds: anybody can make up such tokens.
 */
export class KeySet {
  readonly #url: string;
  readonly #log: Logger;
  readonly #onChange: () => void;
  readonly #fetchedAt: number[] = [];
  readonly #timer: NodeJS.Timeout;
  readonly #stopping = new AbortController();
  #text = "";
  #keys: ReturnType<typeof createLocalJWKSet> | undefined;
  #fetching: Promise<void> | undefined;
  #isOut = false;

  /** `onChange` is called when tokens that were good may no longer be. */
  constructor(url: string, log: Logger, onChange: () => void) {
    this.#url = url;
    this.#log = log;
    this.#onChange = onChange;
    this.#timer = setInterval(() => void this.#fetch(), REFRESH_MS).unref();
    void this.#fetch();
  }

  /** The key for a token. @throws KeysUnavailable; JOSEError when there is none, or more than one */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    if (!this.#keys) await this.#fetchIfAllowed();
    try {
      return await this.#find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !(await this.#fetchIfAllowed())) throw error;
      return this.#find(header, token);
    }
  };

  close(): void {
    clearInterval(this.#timer);
    this.#stopping.abort();
  }

  #find(...[header, token]: Parameters<JWTVerifyGetKey>) {
    if (!this.#keys) throw new KeysUnavailable("there are no keys");
    return this.#keys(header, token);
  }

  /** Says whether the keys were fetched meanwhile, or nobody could. */
  async #fetchIfAllowed(): Promise<boolean> {
    const now = performance.now();
    while ((this.#fetchedAt[0] ?? now) < now - MINUTE_MS) this.#fetchedAt.shift();
    if (!this.#fetching) {
      if (this.#fetchedAt.length >= FETCHES_PER_MINUTE) return false;
      this.#fetchedAt.push(now);
    }
    await this.#fetch();
    return true;
  }

  #fetch(): Promise<void> {
    this.#fetching ??= this.#replaceKeys()
      .then(
        () => this.#report(undefined),
        (error) => this.#report(error as Error),
      )
      .finally(() => {
        this.#fetching = undefined;
      });
    return this.#fetching;
  }

  async #replaceKeys(): Promise<void> {
    const signal = AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), this.#stopping.signal]);
    const headers = { accept: "application/json, application/jwk-set+json" };
    const response = await fetch(this.#url, { headers, redirect: "error", signal });
    if (response.status !== 200) throw new Error(`the issuer answers with status ${response.status}`);
    const text = await boundedText(response);
    if (text === this.#text) return;
    const set = JSON.parse(text);
    const keys = createLocalJWKSet(set);
    // none at all would lock everybody out, which is more likely a fault of the issuer's
    if (set.keys.length === 0) throw new Error("the issuer's key set is empty");
    this.#keys = keys;
    this.#text = text;
    this.#onChange();
  }

  #report(error: Error | undefined): void {
    const isOut = error !== undefined;
    if (isOut === this.#isOut || this.#stopping.signal.aborted) return;
    this.#isOut = isOut;
    if (!isOut) this.#log.info("the keys of AUTH_JWKS_URL are to be had again");
    else if (this.#keys)
      this.#log.warn({ err: error }, "the keys of AUTH_JWKS_URL are not to be had; the last ones count");
    else this.#log.warn({ err: error }, "the keys of AUTH_JWKS_URL are not to be had; no token can be checked");
  }
}

async function boundedText(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > MAX_BYTES) throw new Error("the issuer's key set is too large");
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}
