type Fetch = typeof fetch;
type Input = Parameters<Fetch>[0];
/** By stream; "" is that of a service which has one alone and does not name it. */
type Revisions = Readonly<Record<string, number>>;

/** A service that no longer has what was seen of it, as after a backup was restored: what pages show may never have been. */
export interface Forgotten {
  readonly service: string;
  /** What was seen of it and what it has come to, as headers write it: `42`, or of several streams `books=42, authors=7`. */
  readonly seen: string;
  readonly reached: string;
}

export interface ConsistentFetchOptions {
  /** The place to empty a client's cache. Unless given it warns on the console. */
  readonly onForgotten?: (forgotten: Forgotten) => void;
  /** How often a mutation is sent at most: 6 times unless given. */
  readonly attempts?: number;
  /** How long each may take, in milliseconds: 15,000 unless given, which is more than the service takes. */
  readonly timeoutMs?: number;
  /** How long to wait at most before the second, in milliseconds: 250 unless given. It doubles with each. */
  readonly waitMs?: number;
}

export interface ConsistentFetch extends Fetch {
  /** What was seen of the service, as headers write it: for a page that is made on a server, to go on with in the browser. */
  seen(service: string | URL): string | undefined;
  /** Notes what was seen of the service without this `fetch`: by a subscription, or on the server. */
  saw(service: string | URL, revisions: string | number): void;
}

/** After these a mutation was not done, or nobody knows; a proxy that has lost the service has but a status. */
const CODES_AGAIN = ["OUTCOME_UNKNOWN", "DATABASE_UNAVAILABLE", "SERVICE_UNAVAILABLE", "TIMED_OUT"];
const STATUSES_AGAIN = [429, 502, 503, 504];
/** To come again later than this is for people to do. */
const LONGEST_RETRY_AFTER_MS = 30_000;

/**
 * A `fetch` for any GraphQL client, to be copied: it needs nothing but what browsers and Node have. It asks each service, by its
 * URL, for nothing older than what any tab has seen of it, whichever process answers. Headers alone say what that is, so an
 * answer may be a 304 or an event stream.
 *
 * When a service turns out to be older than that, which comes of a restored or new database alone, what was seen is forgotten: a
 * query is asked anew, of what there is; a mutation fails with `REVISION_NOT_REACHED`, as it was made for what is no more.
 *
 * A mutation is sent again after a lost answer, `OUTCOME_UNKNOWN`, and when it was refused for now: only if each root field has
 * an `idempotencyKey`, or, of a document that goes by its name, the variables do. If nobody knows what came of one attempt, and
 * no later one was done, that is the answer. What `signal` aborts is not sent again.
 */
export function consistentFetch(send: Fetch = fetch, options: ConsistentFetchOptions = {}): ConsistentFetch {
  const { attempts = 6, timeoutMs = 15_000, waitMs = 250, onForgotten = console.warn } = options;
  const newest = new NewestRevisions(onForgotten);

  async function ask(input: Input, init: RequestInit, isMutation: boolean, isRepeat = false): Promise<Response> {
    const service = serviceOf(input);
    const headers = new Headers(init.headers ?? (isRequest(input) ? input.headers : undefined));
    const asked = headers.has("consistency-at-least") ? {} : newest.kept(service).revisions;
    if (headerOf(asked)) headers.set("consistency-at-least", headerOf(asked));
    // a request's body can be read once
    const answer = await send(isRequest(input) ? input.clone() : input, { ...init, headers });
    const told = revisionsIn(answer.headers.get("consistency-revision") ?? "");
    newest.saw(service, told);
    if (isRepeat || Object.keys(asked).every((stream) => stream in told)) return answer;
    const { errors = [] } = await bodyOf(answer);
    const isForgotten = newest.forget(service, asked, errors);
    // a process with other streams may not know all names: nothing is lost, and it has done nothing
    const isUnknown =
      answer.status === 400 && errors.some(({ message }) => message?.startsWith("Consistency-At-Least"));
    if (isUnknown) newest.replace(service, {});
    return isUnknown || (isForgotten && !isMutation) ? ask(input, init, isMutation, true) : answer;
  }

  async function insist(input: Input, init: RequestInit): Promise<Response> {
    const signal = init.signal ?? (isRequest(input) ? input.signal : undefined);
    let unsure: (() => Promise<Response>) | undefined;
    for (let count = 1; ; count++) {
      const late = AbortSignal.timeout(timeoutMs);
      let end: () => Promise<Response>;
      let retryAfterMs = 0;
      try {
        const answer = await ask(input, { ...init, signal: signal ? AbortSignal.any([signal, late]) : late }, true);
        const { data, errors = [] } = await bodyOf(answer);
        const codes = errors.map(({ extensions }) => String(extensions?.code));
        const isAgain = STATUSES_AGAIN.includes(answer.status) || codes.some((code) => CODES_AGAIN.includes(code));
        // who sends a document by its hash sends it again himself, with its text
        if ((data && !isAgain) || codes.some((code) => code.startsWith("PERSISTED_QUERY"))) return answer;
        end = async () => answer;
        if (codes.includes("OUTCOME_UNKNOWN") || answer.status === 502 || answer.status === 504) unsure = end;
        retryAfterMs = isAgain ? 1000 * Number(answer.headers.get("retry-after")) || 0 : Number.POSITIVE_INFINITY;
      } catch (error) {
        if (signal?.aborted) throw error;
        unsure = end = () => Promise.reject(error);
      }
      // that the last one did nothing says nothing of those before
      if (retryAfterMs > LONGEST_RETRY_AFTER_MS || count >= attempts) return (unsure ?? end)();
      await wait(retryAfterMs + Math.random() * waitMs * 2 ** (count - 1), signal);
    }
  }

  async function consistent(input: Input, init: RequestInit = {}): Promise<Response> {
    const mutation = await mutationIn(input, init);
    return mutation?.isKeyed ? insist(input, init) : ask(input, init, mutation !== undefined);
  }

  return Object.assign(consistent, {
    seen: (service: string | URL) => headerOf(newest.kept(serviceOf(service)).revisions) || undefined,
    saw: (service: string | URL, told: string | number) => newest.saw(serviceOf(service), revisionsIn(`${told}`)),
  });
}

/** What was seen of a service since it last forgot, which was the `forgotten`th time: what is of a time before counts no more. */
type Kept = { readonly forgotten: number; readonly revisions: Revisions };

/** The newest revisions seen of each service, here and, where there is a storage, in all tabs. */
class NewestRevisions {
  readonly #own = new Map<string, Kept>();
  readonly #onForgotten: (forgotten: Forgotten) => void;
  #storage: (typeof page)["localStorage"] | null;

  constructor(onForgotten: (forgotten: Forgotten) => void) {
    this.#onForgotten = onForgotten;
    // a page that may have none is told so when it looks; Node warns, and has none to share
    this.#storage = "document" in globalThis ? this.#try(() => page.localStorage) : null;
  }

  kept(service: string): Kept {
    const own = this.#own.get(service) ?? { forgotten: 0, revisions: {} };
    const stored = this.#try(() => this.#storage?.getItem(`seen of ${service}`)) ?? "";
    const [, forgotten = -1, header = ""] = /^(\d{1,9}); (.*)$/.exec(stored) ?? [];
    if (Number(forgotten) < own.forgotten) return own;
    const before = Number(forgotten) > own.forgotten ? {} : own.revisions;
    return this.#adopt(service, { forgotten: Number(forgotten), revisions: later(before, revisionsIn(header)) });
  }

  saw(service: string, told: Revisions): void {
    const { forgotten, revisions } = this.kept(service);
    const both = later(revisions, told);
    if (headerOf(both) !== headerOf(revisions)) this.#keep(service, { forgotten, revisions: both });
  }

  /** Forgets what was seen, in all tabs. */
  replace(service: string, revisions: Revisions): void {
    this.#keep(service, { forgotten: this.kept(service).forgotten + 1, revisions });
  }

  /** Forgets of what was `asked` that which the service says is not there, and says whether there was such. */
  forget(service: string, asked: Revisions, errors: readonly Fault[]): boolean {
    const reached: Record<string, number> = {};
    for (const { extensions: { code, stream = "", ...at } = {} } of errors) {
      for (const [name, revision] of Object.entries(asked)) {
        // another revision was asked for in the request itself; of an only stream it is not said which it is
        const isMeant = at.atLeast === revision && (stream === name || stream === "" || name === "");
        if (code === "REVISION_NOT_REACHED" && isMeant) reached[name] = Number(at.reached);
      }
    }
    const { revisions: seen } = this.kept(service);
    if (Object.keys(reached).some((name) => seen[name] === asked[name])) this.replace(service, { ...seen, ...reached });
    return headerOf(reached) !== "";
  }

  #keep(service: string, kept: Kept): void {
    this.#try(() => this.#storage?.setItem(`seen of ${service}`, `${kept.forgotten}; ${headerOf(kept.revisions)}`));
    this.#adopt(service, kept);
  }

  /** Tells each tab that has seen what is forgotten, whichever has found out. */
  #adopt(service: string, kept: Kept): Kept {
    const { revisions: before = {} } = this.#own.get(service) ?? {};
    this.#own.set(service, kept);
    const isForgotten = Object.entries(before).some(([name, seen]) => seen > (kept.revisions[name] ?? seen));
    if (isForgotten) this.#onForgotten({ service, seen: headerOf(before), reached: headerOf(kept.revisions) });
    return kept;
  }

  /** Uses a storage no more that is full or forbidden: each tab goes on with what it has seen itself. */
  #try<R>(use: () => R): R | undefined {
    try {
      return use();
    } catch {
      this.#storage = null;
    }
  }
}

const page = globalThis as {
  readonly localStorage?: { getItem(key: string): string | null; setItem(key: string, value: string): void };
  readonly location?: { readonly href: string };
};

function revisionsIn(header: string): Revisions {
  const parts = header.matchAll(/(?:^|,)\s*(?:([^=,]*)=)?(\d{1,15})\s*(?=,|$)/g);
  return Object.fromEntries([...parts].map(([, name = "", revision]) => [name, Number(revision)]));
}

function headerOf(revisions: Revisions): string {
  return Object.entries(revisions)
    .map(([name, revision]) => (name ? `${name}=${revision}` : revision))
    .join(", ");
}

function later(before: Revisions, told: Revisions): Revisions {
  if (headerOf(told) === "") return before;
  // a service with another number of streams takes the other form alone
  const both: Record<string, number> = "" in before === "" in told ? { ...before } : {};
  for (const [name, revision] of Object.entries(told)) both[name] = Math.max(revision, both[name] ?? 0);
  return both;
}

const isRequest = (input: Input): input is Request => typeof input === "object" && "clone" in input;
function serviceOf(input: Input): string {
  return new URL(isRequest(input) ? input.url : input, page.location?.href).href.replace(/[?#].*/, "");
}

type Fault = { readonly message?: string; readonly extensions?: Readonly<Record<string, unknown>> };
type Answered = { readonly data?: unknown; readonly errors?: readonly Fault[] };
type Asked = { readonly query?: unknown; readonly variables?: Readonly<Record<string, unknown>> | null };

/** What an answer holds that is JSON, which can be read again. It fails where the answer is lost. */
async function bodyOf(answer: Response): Promise<Answered> {
  return /json/.test(answer.headers.get("content-type") ?? "") ? objectIn(await answer.clone().text()) : {};
}

function objectIn(text: unknown): Answered & Asked {
  try {
    return Object(JSON.parse(`${text}`));
  } catch {
    return {};
  }
}

const TOKENS = /"""(?:\\"""|[\s\S])*?"""|"(?:\\.|[^"\\\n])*"|#[^\n\r]*|\.\.\.|\w+|[^\s,]/g;
/** Whether a mutation is asked for, and whether each of its root fields has a key. What cannot be seen has none. */
async function mutationIn(input: Input, init: RequestInit): Promise<{ readonly isKeyed: boolean } | undefined> {
  const text = init.body ?? (isRequest(input) ? await input.clone().text() : undefined);
  const { query, variables } = objectIn(text);
  if (!query) return typeof variables?.idempotencyKey === "string" ? { isKeyed: true } : undefined;
  const tokens = (String(query).match(TOKENS) ?? []).filter((token) => !token.startsWith("#"));
  let [within, operation, fields, keys, isMutation] = ["", "", 0, 0, false];
  for (const [i, token] of tokens.entries()) {
    const [before, next, value, variable = ""] = [tokens[i - 1], tokens[i + 1], tokens[i + 2], tokens[i + 3]];
    if (within === "" && (before === undefined || before === "}")) operation = token;
    isMutation ||= operation === "mutation";
    if ("({[".includes(token)) within += token;
    else if (")}]".includes(token)) within = within.slice(0, -1);
    else if (operation !== "mutation") continue;
    else if (within === "{" && token === "...") fields = Number.NaN;
    else if (within === "{" && /^\w/.test(token) && next !== ":" && before !== "@") fields++;
    else if (within === "{(" && token === "idempotencyKey" && next === ":") {
      if (value === "$" ? typeof variables?.[variable] === "string" : value?.startsWith('"')) keys++;
    }
  }
  return isMutation ? { isKeyed: keys === fields && keys > 0 } : undefined;
}

function wait(ms: number, signal: AbortSignal | null | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
