import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Compression } from "../../src/http/compression.ts";
import { newDatabase } from "../support/database/database.ts";
import { fillWith, largeTitles } from "../support/database/large-catalogue.ts";
import { heldMemory } from "../support/memory.ts";
import { type PlainAnswer, plainHttp } from "../support/network/plain-http.ts";
import { ADD_BOOK } from "../support/service/book-requests.ts";
import { READ_PATHS, sharedPath } from "../support/service/read-paths.ts";
import { type Service, sharedService, startService } from "../support/service/service.ts";

const shared = sharedService();

const BOOKS = "{ books { title author } }";

const post = (service: Service, query: string, headers: Record<string, string> = {}, variables: object = {}) =>
  plainHttp(service.url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query, variables }),
  });

const get = (service: Service, query: string, headers: Record<string, string> = {}, method = "GET") =>
  plainHttp(`${service.url}?${new URLSearchParams({ query })}`, { method, headers });

/** The answer's text, of which `content-encoding` must say how it comes, and `content-length` how long. */
function textOf({ headers, bytes }: PlainAnswer): string {
  expect(Number(headers["content-length"])).toBe(bytes.length);
  const encoding = headers["content-encoding"];
  const decoded = encoding === "br" ? brotliDecompressSync(bytes) : encoding === "gzip" ? gunzipSync(bytes) : bytes;
  // on a busy machine another store may have answered
  return decoded.toString().replace(/"servedBy":"\w+"/, '"servedBy":""');
}

const ENCODINGS = ["gzip", "br"];

describe.each(READ_PATHS)("an answer over 1 kB, when $store answers", ({ start }) => {
  const shared = sharedPath(start);

  test("comes compressed to who asks for that, first asked and sent again, at every revision", async () => {
    const { service } = shared();
    // of different lengths: as a text, as bytes, as what a thread compresses
    for (const [books, length] of [
      [20, 40],
      [30, 100],
      [40, 480],
    ] as const) {
      for (let n = 0; n < books; n++) await service.addBook(`${n} é ${String(length).repeat(length / 3)}`);
      for (let turn = 0; turn < 2; turn++) {
        const plain = textOf(await post(service, BOOKS));
        for (const encoding of ENCODINGS) {
          for (let again = 0; again < 4; again++) {
            for (const ask of [post, get]) {
              const answer = await ask(service, BOOKS, { "accept-encoding": encoding });
              expect([answer.headers["content-encoding"], answer.headers.vary]).toEqual([
                encoding,
                expect.stringMatching(/\bAccept-Encoding\b/),
              ]);
              expect(textOf(answer)).toBe(plain);
              expect(answer.bytes.length).toBeLessThan(plain.length / 2);
            }
          }
        }
        await service.addBook(`Another ${books} ${length} ${turn}`);
        expect(textOf(await post(service, BOOKS, { "accept-encoding": "gzip" }))).toContain(
          `Another ${books} ${length} ${turn}`,
        );
      }
    }
  });
});

describe("Accept-Encoding", () => {
  test("decides, and what is not known is sent as it is", async () => {
    const service = shared();
    for (let n = 0; n < 30; n++) await service.addBook(`A book with a long title, number ${n}`);
    const accepted: [accepted: string, encoding: string | undefined][] = [
      ["gzip, deflate, br, zstd", "br"],
      ["gzip, deflate", "gzip"],
      ["GZIP", "gzip"],
      ["br;q=0.5, gzip", "gzip"],
      ["br;q=0, gzip;q=0", undefined],
      ["gzip;q=0.1, identity", undefined],
      ["*", "br"],
      ["br;q=0, *", "gzip"],
      ["*;q=0", undefined],
      ["identity", undefined],
      ["identity;q=0", undefined],
      ["deflate, zstd", undefined],
      ["", undefined],
      ["nonsense;;,", undefined],
      ["x".repeat(5000), undefined],
      [`${"x,".repeat(5000)}gzip`, undefined],
    ];
    const plain = textOf(await post(service, BOOKS));
    for (const [value, encoding] of accepted) {
      const answer = await post(service, BOOKS, { "accept-encoding": value });
      expect([answer.status, answer.headers["content-encoding"]], value).toEqual([200, encoding]);
      expect(textOf(answer)).toBe(plain);
    }
  });
});

describe("what is not compressed", () => {
  test("is short, or an error, or not there", async () => {
    const service = shared();
    for (let n = 0; n < 30; n++) await service.addBook(`A book with a long title, number ${n}`);
    const all = { "accept-encoding": "gzip, br" };
    expect((await post(service, "{ __typename }", all)).headers["content-encoding"]).toBeUndefined();
    const bad = `{ ${Array.from({ length: 20 }, (_, n) => `noSuchField${n}`).join(" ")} }`;
    const error = await post(service, bad, all);
    expect(error.bytes.length).toBeGreaterThan(1000);
    expect(error.headers["content-encoding"]).toBeUndefined();

    const whole = await get(service, BOOKS, all);
    for (let again = 0; again < 3; again++) {
      const head = await get(service, BOOKS, all, "HEAD");
      const told = ["content-encoding", "content-length", "etag", "vary"] as const;
      for (const name of told) expect(head.headers[name], name).toBe(whole.headers[name]);
      expect(head.bytes.length).toBe(0);
      const same = await get(service, BOOKS, { ...all, "if-none-match": String(whole.headers.etag) });
      expect([same.status, same.headers["content-encoding"], same.bytes.length]).toEqual([304, undefined, 0]);
    }
  });
});

describe("what is kept of answers and of what they are compressed to", () => {
  test("takes no more memory than it has bytes", async () => {
    const service = shared();
    for (let n = 0; n < 30; n++) await service.addBook(`A book with a long title, number ${n}`);
    const kept = 100;
    const askForAll = async (name: string) => {
      const queries = Array.from({ length: kept }, (_, n) => `${BOOKS} # ${name} ${n}`);
      // kept when it is asked for first, compressed as it is kept when it is asked for again
      for (const encoding of [...ENCODINGS, ...ENCODINGS]) {
        await Promise.all(queries.map((query) => post(service, query, { "accept-encoding": encoding })));
      }
      return heldMemory().buffers;
    };
    const before = await askForAll("once");
    const grown = (await askForAll("and again")) - before;
    expect(grown).toBeLessThan(2 * kept * textOf(await post(service, BOOKS)).length);
  });
});

describe("many large answers at once", () => {
  test("are whole, though only some are compressed by threads at a time", async () => {
    const { url: DATABASE_URL } = await newDatabase();
    await fillWith(DATABASE_URL, largeTitles(3000));
    const service = await startService({ DATABASE_URL });
    const query = (n: number) => `{ a${n}: booksConnection(first: 400) { edges { node { title } } } }`;
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => post(service, query(n), { "accept-encoding": ENCODINGS[n % 2] as string })),
    );
    for (const [n, answer] of answers.entries()) {
      expect(JSON.parse(textOf(answer)).data[`a${n}`].edges).toHaveLength(400);
    }
    expect(answers.some(({ headers }) => headers["content-encoding"])).toBe(true);
  });

  test("take two threads and no more: what comes meanwhile is to go as it is", async () => {
    const compression = new Compression();
    const text = () => Buffer.from(JSON.stringify(largeTitles(30)));
    const begun = [text(), text(), text(), text()].map((head) => compression.compress("gzip", head, "!"));
    expect(begun.map((one) => one instanceof Promise)).toEqual([true, true, false, false]);
    expect(begun.slice(2)).toEqual([undefined, undefined]);
    for (const bytes of await Promise.all(begun.slice(0, 2))) {
      expect(gunzipSync(bytes as Buffer).toString()).toBe(`${text()}!`);
    }
    expect(compression.compress("gzip", text(), "!")).toBeInstanceOf(Promise);
  });

  test("a mutation's answer, too", async () => {
    const service = shared();
    const answer = await post(
      service,
      ADD_BOOK,
      { "accept-encoding": "br" },
      {
        input: { title: "x".repeat(500), author: "y".repeat(900) },
      },
    );
    expect(answer.headers["content-encoding"]).toBe("br");
    expect(JSON.parse(textOf(answer)).data.addBook.title).toHaveLength(500);
  });
});
