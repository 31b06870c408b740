import { hash, randomBytes } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { OperationTypeNode, parse } from "graphql";
import { ConfigService } from "../src/config.ts";
import { Consistency } from "../src/cqrs/consistency.ts";
import { CompiledExecutor } from "../src/graphql/execution/compiled-executor.ts";
import { Limits } from "../src/graphql/execution/limits.ts";
import { PersistedDocuments } from "../src/graphql/execution/persisted-documents.ts";
import { Replays } from "../src/graphql/execution/replays.ts";
import { buildSchema } from "../src/graphql/schema.ts";
import { Compression } from "../src/http/compression.ts";
import { modules } from "../src/modules.ts";

/**
 * How many bytes the heap grows by when each cache is filled to its bound with one kind of entry, beside what the cache
 * says that it holds:
 *
 *     npx node bench/caches.ts
 */
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const config = ConfigService.load({}, modules);
const schema = buildSchema(modules, config);
const fields = (count: number, i: number) =>
  Array.from({ length: count }, (_, n) => `a${n}: book(title: "${i}") { t: title }`).join(" ");

/** Documents by what is the most of them. */
const DOCUMENTS: Readonly<Record<string, (i: number) => string>> = {
  "tiny documents": (i) => `{a${i}:__typename}`,
  "many tokens": (i) => `{ nodes(ids: [${Array.from({ length: 1900 }, (_, n) => (n * i) % 10).join(",")}]) { id } }`,
  "many selections": (i) => `{ ${fields(29, i)} }`,
  "all fields once": (i) => `query Q${i} { books { id title author publishedDate isbn stockQuantity version } }`,
  "fields again and again": (i) => `{ a${i}: book(title: "") { ${"id ".repeat(100)} } }`,
  comments: (i) => `${"#\n".repeat(4900)}{a${i}:__typename}`,
  "one long text": (i) => `{ book(title: "${String(i).padEnd(100_000)}") { title } }`,
  "one long text, not Latin": (i) => `{ book(title: "${String(i).padEnd(40_000, "Ж")}") { title } }`,
  "many variables": (i) =>
    `query (${Array.from({ length: 400 }, (_, n) => `$v${n}: Int`).join(" ")}) { a${i}: __typename }`,
};

const ANSWERS: Readonly<Record<string, (i: number) => [request: string, answer: string, rechecks: number]>> = {
  "short answers": (i) => [`{"query":"{a${i}:__typename}"}`, "{}", 1],
  "texts of the longest kind": (i) => [`${i}`, "x".repeat(990), 1],
  "texts, not Latin": (i) => [`${i}`, "Ж".repeat(990), 1],
  "bytes, not Latin": (i) => [`${i}`, "本".repeat(20_000), 1],
  "short bytes, compressed": (i) => [`${i}`, "x".repeat(1010), 1],
  "long bytes, compressed by half": (i) => [`${i}`, randomBytes(2000).toString("hex") + "x".repeat(400), 1],
  "long requests": (i) => [`${i}`.padEnd(100_000, "Ж"), "{}", 1],
  "many rechecks": (i) => [`${i}`, "{}", 30],
};

const table: Record<string, object> = {};
for (const [name, text] of Object.entries(DOCUMENTS)) {
  const before = heap();
  const executor = new CompiledExecutor(schema, new Limits(schema, config.graphqlLimits, ["books"]));
  const entries = fillToBound(executor, (i) => {
    const document = parse(text(i));
    const operation = executor.prepare(document, null);
    if (operation) executor.keep(document, null, operation);
    // asked for again, it is compiled
    executor.find({ query: document.loc?.source.body as string });
  });
  report(`documents: ${name}`, entries, executor.kept, heap() - before);
}
for (const [name, text] of Object.entries(DOCUMENTS)) {
  const before = heap();
  const persisted = new PersistedDocuments({ trusted: undefined, automatic: true });
  const entries = fillToBound(persisted, (i) => {
    // as it comes from JSON, a string of its own
    const query = JSON.parse(JSON.stringify(text(i)));
    const persistedQuery = { version: 1, sha256Hash: hash("sha256", query) };
    persisted.resolve({ query, extensions: { persistedQuery } }).keep?.();
  });
  report(`persisted: ${name}`, entries, persisted.kept, heap() - before);
}
for (const [name, entry] of Object.entries(ANSWERS)) {
  const before = heap();
  const replays = new Replays();
  const compression = new Compression();
  const entries = fillToBound(replays, (i) => {
    const [request, answer, rechecks] = entry(i);
    const consistency = new Consistency(["books"]);
    for (let n = 0; n < rechecks; n++) {
      const evidence = `${i} ${n}`.padEnd(100);
      consistency.read("books", 1, "database", {
        stream: "books",
        replay: async () => evidence.length,
        size: evidence.length,
      });
    }
    const text = { head: answer, report: consistency.report, tail: "" };
    replays.keep(request, text, { kind: OperationTypeNode.QUERY, cost: 1, needs: [] }, consistency);
    const head = replays.find(request)?.head;
    if (head && name.includes("compressed")) {
      for (const encoding of ["br", "gzip"] as const) compression.compress(encoding, head, "");
    }
  });
  report(`replays: ${name}`, entries, replays.kept, heap() - before);
}
console.table(table);

/** Adds entries until the cache has thrown some out. */
function fillToBound(
  cache: { readonly kept: { readonly bytes: number; readonly maxBytes: number } },
  add: (i: number) => void,
) {
  let i = 0;
  for (let last = -1; cache.kept.bytes > last && i < 200_000; i++) {
    last = cache.kept.bytes;
    add(i);
  }
  return i;
}

function report(name: string, entries: number, { bytes }: { readonly bytes: number }, grown: number): void {
  const mb = (n: number) => (n / 1e6).toFixed(1);
  table[name] = { entries, "charged MB": mb(bytes), "heap MB": mb(grown), ratio: (grown / bytes).toFixed(2) };
}

function heap(): number {
  for (let i = 0; i < 4; i++) collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
