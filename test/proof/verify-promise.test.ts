import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type VerifyOptions, type VerifyResult, verify } from "../../proof/verify/run.ts";
import { verdictOf } from "../../proof/verify/verdict.ts";
import { SECRET, tokenWith } from "../support/auth/tokens.ts";
import { aroundTests } from "../support/cleanup.ts";
import { type Passage, type PassingAnswer, startHttpProxy } from "../support/network/http-proxy.ts";
import { type Program, spawnProgram } from "../support/service/program.ts";
import { type Service, startService } from "../support/service/service.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { eventually } from "../support/wait.ts";

/** What a cache keeps answers for. */
const TIME_TO_LIVE_MS = 2000;
/** As long as it may take until what is to be seen was seen. */
const LONGEST_MS = 40_000;

let service: Service;

aroundTests(async () => {
  service = await startService();
  await service.addBook("Somebody else's", { isbn: "9780306406157" });
});

/** Puts the service to the test through these addresses until something was seen. */
async function verified(
  urls: readonly string[],
  until: (result: Pick<VerifyResult, "history">) => boolean,
  more: Partial<VerifyOptions> = {},
) {
  const controller = new AbortController();
  const options = { urls, seed: 7, clients: 8, rate: 200, ms: LONGEST_MS, leaseMs: 60_000, ...more };
  let isDone = false;
  const result = await verify(
    { ...options, signal: controller.signal },
    {
      onProgress: (history) => {
        isDone = until({ history });
        if (isDone) controller.abort();
      },
    },
  );
  expect(isDone, "what was waited for was seen").toBe(true);
  return { ...result, ...verdictOf({ ...result, options }) };
}

/** Whether so many writes were acknowledged. */
const hasWritten =
  (writes: number) =>
  ({ history }: Pick<VerifyResult, "history">) =>
    (history.tally.outcomes.get("mutation acknowledged") ?? 0) >= writes;
const isBroken = ({ history }: Pick<VerifyResult, "history">) => history.evidence.count > 0;

/** Keeps answers to whatever is asked for by the same bytes. Mutations and event streams it lets through. */
function caching(keyOf: (body: string) => string = (body) => body): Passage {
  const kept = new Map<string, { readonly at: number; readonly answer: PassingAnswer }>();
  return async ({ method, path, body }, pass) => {
    if (body.includes("mutation")) return pass();
    const key = createHash("sha256")
      .update(`${method} ${path} ${keyOf(body)}`)
      .digest("hex");
    const hit = kept.get(key);
    if (hit && Date.now() < hit.at + TIME_TO_LIVE_MS) {
      const age = `${Math.round((Date.now() - hit.at) / 1000)}`;
      return { ...hit.answer, headers: { ...hit.answer.headers, age, "x-cache": "HIT" } };
    }
    const answer = await pass();
    kept.set(key, { at: Date.now(), answer });
    return answer;
  };
}

const honest: Passage = (_, pass) => pass();

describe("an honest deployment", () => {
  test("keeps the promise through all of its addresses, and is left as it was", async () => {
    const kinds = ["book", "books", "form", "page", "search", "several", "past", "history"];
    const isThorough = ({ history }: Pick<VerifyResult, "history">) =>
      hasWritten(40)({ history }) && kinds.every((kind) => history.tally.requests.has(kind));
    const proxy = await startHttpProxy(service.url, honest);
    const { exitCode, text, left, subscribers } = await verified([service.url, proxy], isThorough);
    expect([exitCode, left], text).toEqual([0, []]);
    expect(text).toMatch(
      /^The promise was kept: no contradiction in \d+ reads and \d+ writes in \d+ s through 2 addr/m,
    );
    expect(subscribers.told).toBeGreaterThan(0);
    expect(await service.titles()).toEqual(["Somebody else's"]);
  });

  test("keeps it though others write, and though the way to it loses every tenth answer", async () => {
    let count = 0;
    const losing: Passage = async (_, pass) => {
      const answer = await pass();
      return count++ % 10 === 9 ? undefined : answer;
    };
    let isOver = false;
    const others = (async () => {
      for (let i = 0; !isOver; i++) {
        await service.updateBook("Somebody else's", { stockQuantity: i % 100 });
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    const { exitCode, text, history } = await verified([await startHttpProxy(service.url, losing)], hasWritten(40));
    isOver = true;
    await others;
    expect(exitCode, text).toBe(0);
    expect([...history.tally.outcomes.keys()].filter((name) => name.includes("ECONNRESET"))).not.toEqual([]);
    expect(await service.titles()).toEqual(["Somebody else's"]);
  });

  test("is asked more slowly when it says that it has too much to do", async () => {
    let [count, second] = [0, 0];
    const limiting: Passage = async (_, pass) => {
      const now = Math.floor(Date.now() / 1000);
      count = now === second ? count + 1 : 0;
      second = now;
      if (count < 40) return pass();
      const headers = { "retry-after": "1" };
      return count % 2 === 0
        ? { status: 429, headers, body: "slow down" }
        : { status: 503, headers, body: "<html>busy</html>" };
    };
    const { exitCode, text, pace } = await verified([await startHttpProxy(service.url, limiting)], hasWritten(15));
    expect(exitCode, text).toBe(0);
    expect(pace.slowest).toBeLessThan(200);
    expect(text).toMatch(/^slowed down from 200 a second to +\d/m);
  });
});

describe("a cache with a time to live", () => {
  test.each([
    ["of everything", caching()],
    // as one that makes no difference between clients that ask for different revisions
    [
      "that knows documents by their queries",
      caching((body) => JSON.stringify({ ...JSON.parse(body || "{}"), extensions: 0 })),
    ],
  ])("%s breaks the promise, and is named with what it answered", async (_, passage) => {
    const cached = await startHttpProxy(service.url, passage);
    const { exitCode, text, left } = await verified([service.url, cached], isBroken);
    expect([exitCode, left], text).toEqual([1, []]);
    expect(text).toMatch(/^THE PROMISE IS BROKEN: \d+ contradictions/m);
    const stale = text.split("VIOLATION: ").find((part) => /^no answer is older than an acknowledged/.test(part)) ?? "";
    expect(stale).toMatch(/^ {2}\d+ instead of \d+$/m);
    // the older answer, with what says where it came from, and the write that it does not have
    expect(stale).toContain(` ${cached}\n`);
    expect(stale).toMatch(/^ +x-cache: HIT$/m);
    expect(stale).toMatch(/^ +age: \d+$/m);
    expect(stale).toMatch(/"servedBy":"database"/);
    expect(stale).toMatch(/ POST http.*\n.*mutation /);
    expect(await service.titles()).toEqual(["Somebody else's"]);
  });
});

describe("the program", () => {
  const program = (...args: readonly string[]) => spawnProgram("proof/verify/verify-promise.ts", args, {});
  const ended = async ({ child }: Program) => (await once(child, "close"))[0];

  test("deletes what it has written when it is interrupted, and has no verdict then; tokens are read from a file", async () => {
    const closed = await startService({ AUTH_JWT_SECRET: SECRET });
    const file = join(temporaryDirectory(), "token");
    writeFileSync(file, `${await tokenWith({ scope: "books:write" })}\n`);
    const running = program(closed.url, "--minutes", "5", "--token-file", file);
    const isTold = () => /begin with (verify\w+)/.exec(running.stderr())?.[1];
    await eventually("it has written", async () => isTold() && (await closed.titles()).length > 3);
    running.child.kill("SIGINT");
    expect(await ended(running), running.stderr()).toBe(2);
    expect(running.stdout()).toMatch(/^NO VERDICT \(.*it was ended early\)/m);
    expect(running.stderr()).toContain("ending: what was written is deleted first");
    expect(await closed.titles()).toEqual([]);
  });

  test("names all that is wrong with what it was called with", async () => {
    const running = program("ftp://a.example", "http://u:p@a.example/graphql", "--rate", "5000", "--minutes", "much");
    expect(await ended(running)).toBe(2);
    expect(running.stderr().trim().split("\n")).toEqual([
      "--minutes must be from 0.01 to 60",
      "--rate must be from 0.5 to 1000",
      "ftp://a.example is no http or https address",
      "addresses must have no user or password: give a token",
    ]);
  });
});

describe("what cannot be put to the test", () => {
  const refusal = async (url: string, more: Partial<VerifyOptions> = {}) =>
    verified([url], () => false, more).then(
      () => "nothing",
      ({ lines }) => lines,
    );
  const answering = (status: number, type: string, body: string) =>
    startHttpProxy(service.url, async () => ({ status, headers: { "content-type": type }, body }));

  test("is named: another service, nobody, one that may not be written to, several catalogues", async () => {
    expect(await refusal(await answering(404, "text/html", "<html>"))).toEqual([
      expect.stringMatching(/: this is no GraphQL service: it answers 404, text\/html$/),
    ]);
    const unknown = {
      message: 'Cannot query field "booksConnection"',
      extensions: { code: "GRAPHQL_VALIDATION_FAILED" },
    };
    expect(await refusal(await answering(400, "application/json", JSON.stringify({ errors: [unknown] })))).toEqual([
      expect.stringMatching(/: this is another GraphQL service: Cannot query field/),
    ]);
    const bare = { data: { all: { totalCount: 0 }, own: { nodes: [] } } };
    expect(await refusal(await answering(200, "application/json", JSON.stringify(bare)))).toEqual([
      expect.stringMatching(/: its answers do not say in extensions.consistency/),
    ]);
    expect(await refusal("http://127.0.0.1:1/graphql")).toEqual([
      expect.stringMatching(/does not answer: .*ECONNREFUSED/),
    ]);
    const closed = await startService({ ALLOW_ANONYMOUS_WRITES: "false" });
    expect(await refusal(closed.url)).toEqual([expect.stringMatching(/Give a token that may write/)]);
    const other = await startService();
    const [line] = await refusal(service.url, { urls: [service.url, other.url] });
    expect(line).toMatch(/the addresses are not of one catalogue/);
    expect([await service.titles(), await other.titles()]).toEqual([["Somebody else's"], []]);
  });
});
