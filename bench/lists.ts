import { parseArgs } from "node:util";
import { cleaningUp } from "../test/support/cleanup.ts";
import { openBooks } from "../test/support/database/books.ts";
import { type Engine, newDatabase } from "../test/support/database/database.ts";
import { freePort } from "../test/support/network/port.ts";
import startPostgres from "../test/support/postgres/run-server.ts";
import { type ServiceProcess, startProcess } from "../test/support/service/service-process.ts";
import { besideSearches } from "./lists-beside.ts";
import { askAnew, type Kind, kinds, titlesOf } from "./lists-questions.ts";
import { fillWithMany } from "./lists-seed.ts";

/** Measures `booksConnection` with its filters and orders on a large catalogue, through the front door of a real process. */
const USAGE = `npm run lists -- [options]
  --books N        size of the catalogue (1000000)
  --engine NAME    sqlite, postgresql or both (sqlite)
  --times N        how often each question is asked (100)
  --only TEXT      only the questions whose name has it
  --database URL   a database of the engine that was filled so before, in place of a new one`;

const { values } = parseArgs({
  options: {
    books: { type: "string", default: "1000000" },
    engine: { type: "string", default: "sqlite" },
    times: { type: "string", default: "100" },
    only: { type: "string", default: "" },
    database: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const [books, times] = [Number(values.books), Number(values.times)];
const engines = (values.engine === "both" ? ["sqlite", "postgresql"] : [values.engine]) as Engine[];
const isOfOne = engines.length === 1 || values.database === undefined;
if (values.help || !/^(sqlite|postgresql|both)$/.test(values.engine) || !isOfOne || !(books >= 1000) || !(times >= 1)) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

/** What is measured last, by its name. */
const BESIDE = "point reads beside broad searches";
/** The searches that it is measured beside. */
const BROAD =
  /^search: (a word in half of the titles|two common words|one letter|two letters)(, (by .*|count|facets))?$/;

const ENGINES = { sqlite: "SQLite", postgresql: "PostgreSQL" };

/** What was measured on one engine. */
interface Measured {
  /** How long each kind of question took, by its name. */
  readonly taken: ReadonlyMap<string, string>;
  /** The table of point reads beside searches. */
  readonly beside: string | undefined;
}

const measured: Measured[] = [];
for (const engine of engines) {
  const stop = engine === "postgresql" && !values.database ? await startPostgres() : undefined;
  measured.push(await cleaningUp(() => measure(engine)));
  await stop?.();
}
console.log(`${books.toLocaleString("en")} books, Node ${process.version}, by \`npm run lists\`.\n`);
const names = [...(measured[0]?.taken.keys() ?? [])];
if (names.length > 0) {
  console.log(
    `| milliseconds over one connection: p50; p99 | ${engines.map((engine) => ENGINES[engine]).join(" | ")} |`,
  );
  console.log(`| --- |${engines.map(() => " ---: |").join("")}`);
  for (const name of names) console.log(`| ${name} | ${measured.map(({ taken }) => taken.get(name)).join(" | ")} |`);
}
for (const [i, { beside }] of measured.entries()) {
  if (beside !== undefined) console.log(`\n${ENGINES[engines[i] as Engine]}:\n\n${beside}`);
}

async function measure(engine: Engine): Promise<Measured> {
  const url = values.database ?? (await filled(engine));
  const METRICS_PORT = String(await freePort());
  const service = await startProcess({ DATABASE_URL: url, LOG_LEVEL: "warn", METRICS_PORT });
  const all = await kinds(service);
  const taken = new Map<string, string>();
  for (const kind of all) {
    if (!kind.name.includes(values.only)) continue;
    taken.set(kind.name, await timesOf(service, kind));
    console.error(`${engine}: ${kind.name}: ${taken.get(kind.name)}`);
  }
  const metrics = `http://127.0.0.1:${METRICS_PORT}/metrics`;
  const beside = BESIDE.includes(values.only) ? await readBeside(service, metrics, all) : undefined;
  await service.stop();
  return { taken, beside };
}

async function filled(engine: Engine): Promise<string> {
  const { url } = await newDatabase(engine);
  const { orm } = await openBooks(url);
  await orm.close();
  await fillWithMany(url, books);
  return url;
}

async function readBeside(service: ServiceProcess, metrics: string, all: readonly Kind[]): Promise<string> {
  const broad = all.filter(({ name }) => BROAD.test(name));
  let n = 0;
  const search = () => {
    const { query, variables } = broad[++n % broad.length] as Kind;
    return askAnew(service, query, variables(n));
  };
  return besideSearches({ url: service.url, metrics }, await titlesOf(service), search);
}

async function timesOf(service: ServiceProcess, { query, variables }: Kind): Promise<string> {
  const taken: number[] = [];
  for (let n = -Math.ceil(times / 10); n < times; n++) {
    const began = performance.now();
    const { errors } = await askAnew(service, query, variables(Math.abs(n)));
    if (errors?.[0]?.extensions?.code === "TIMED_OUT") return "past its deadline";
    if (errors) throw new Error(JSON.stringify(errors));
    if (n >= 0) taken.push(performance.now() - began);
  }
  taken.sort((a, b) => a - b);
  const at = (share: number) => (taken[Math.min(times - 1, Math.floor(times * share))] as number).toFixed(1);
  return `${at(0.5)}; ${at(0.99)}`;
}
