import { SignJWT } from "jose";
import { openBooks } from "../test/support/database/books.ts";
import { SERVICE, type Stage } from "./cast.ts";
import type { Entrant, Workload } from "./measure.ts";
import { allBooksRequests, countRequests } from "./requests.ts";
import { fillPostgres } from "./seed.ts";
import type { Server } from "./server.ts";
import { FSYNC_DELAY_MS, slowDisk } from "./slow-disk.ts";
import {
  CONNECTIONS,
  checkAsked,
  ONE_CLIENT,
  type Preparation,
  points,
  reads,
  SIZES,
  titles,
  underLoad,
  writing,
} from "./workloads.ts";

/** How many clients write beside others that read, and how many write one request in twenty of all, about. */
const WRITERS = 8;
const FEW_WRITERS = 3;
/** How large the catalogue is that is listed beside point reads. */
const LISTED = 10_000;
/** So many requests hardly repeat in one run. */
const MANY = 10_000;
/** V8 gains a few hundredths meanwhile. */
const SETTLING_S = 10;
/** The network between the service and a database that is not on the same machine. */
const ROUND_TRIP_MS = 1;

/** Entrants that are named after what goes on beside them. */
export const BESIDE_WRITERS = `${SERVICE}, beside ${WRITERS} writers`;
export const BESIDE_FEW_WRITERS = `${SERVICE}, beside ${FEW_WRITERS} writers`;
export const BESIDE_LISTS = `${SERVICE}, beside lists`;
export const BESIDE_COUNTS = `${SERVICE}, beside counts`;
export const BEFORE = "before";
export const BEFORE_ONE_CLIENT = `${BEFORE}, 1 connection`;
export const GUARDED = `${SERVICE}, with tokens and a rate limit`;
export const TWO_PROCESSES = "two processes";
export const TWO_APART = "two that share nothing";

/** The workloads that show whether one side of the service, or one process, stands in another's way. */
export const sideWorkloads: Readonly<Record<string, Preparation>> = {
  "mixed-tail": async (stage) => ({
    about: `point reads, ${titles}, from Redis, without writes and beside clients that do nothing but \`updateBook\``,
    ...besideWriters(await stage.service(SIZES.stored, "redis"), FEW_WRITERS, BESIDE_FEW_WRITERS),
  }),

  guarded: async (stage) => {
    const secret = "a secret that has more than thirty-two bytes";
    const token = await new SignJWT({ scope: "books:read books:write" })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject("somebody")
      .setExpirationTime("1h")
      .sign(Buffer.from(secret));
    const env = { AUTH_JWT_SECRET: secret, RATE_LIMIT_PER_MINUTE: "1000000000" };
    const server = await stage.serviceWith(SIZES.stored, "redis", env, "bench/servers/guarded.ts");
    return {
      settling: SETTLING_S,
      shortTurns: true,
      about: `point reads, ${titles}, from Redis, by anybody, and by a client whose token is held against a key and whose
requests are counted in Redis; both by one process, in turns of some milliseconds`,
      load: points,
      entrants: [
        underLoad(server),
        { ...underLoad(server), name: GUARDED, door: "guarded", load: { ...points, authorization: `Bearer ${token}` } },
      ],
      check: checkAsked,
    };
  },

  "slow-disk": (stage) => onSlowDisk(stage, "redis", "Redis"),
  "slow-disk-sqlite": (stage) => onSlowDisk(stage, "database", "SQLite"),

  "long-read": async (stage) => {
    const small = await stage.service(LISTED, "database");
    const large = await stage.service(SIZES.stored, "database");
    const lists = reads(allBooksRequests(MANY), '"data":{"books":[{"title":');
    const counts = reads(countRequests(MANY), '"data":{"booksConnection":{"totalCount":');
    return {
      about: `point reads, ${titles}, from SQLite, alone, beside one client that lists ${LISTED.toLocaleString("en")} books
again and again, and beside one that counts ${SIZES.stored.toLocaleString("en")}`,
      load: points,
      entrants: [
        underLoad(small),
        { ...underLoad(small), name: BESIDE_LISTS, beside: { server: small, connections: 1, load: lists } },
        { ...underLoad(large), name: BESIDE_COUNTS, beside: { server: large, connections: 1, load: counts } },
      ],
      check: checkAsked,
    };
  },

  "postgres-writes": (stage, { before }) => writingOnPostgres(stage, 0, before, "PostgreSQL"),
  "postgres-writes-far": (stage, { before }) =>
    writingOnPostgres(stage, ROUND_TRIP_MS, before, `PostgreSQL behind a network of ${ROUND_TRIP_MS} ms of round trip`),

  processes: async (stage) => {
    const shared = await ownStores(stage);
    const one = await stage.serviceOnPostgres(0, shared);
    const other = await stage.serviceOnPostgres(0, { ...shared, besideLoad: true });
    const stranger = await stage.serviceOnPostgres(0, { ...(await ownStores(stage)), besideLoad: true });
    const beside = (server: Server) => ({ server, connections: CONNECTIONS, load: points });
    return {
      about: `point reads, ${titles}, of one process, of it beside a second one under the same load, with which it shares
a PostgreSQL and a Redis, and beside one with which it shares nothing; the second one has the core of the load, which then
comes in smaller turns, so what tells is the processor time beside the one and the other`,
      load: points,
      entrants: [
        underLoad(one),
        { ...underLoad(one), name: TWO_APART, beside: beside(stranger) },
        { ...underLoad(one), name: TWO_PROCESSES, beside: beside(other) },
      ],
      check: checkAsked,
    };
  },
};

/** A PostgreSQL database with books, and a Redis for them. */
async function ownStores(stage: Stage) {
  const database = await stage.newPostgres();
  const { orm } = await openBooks(database);
  await orm.close();
  await fillPostgres(database, SIZES.asked);
  return { database, servedBy: "redis", env: { REDIS_URL: (await stage.newRedis()).url } } as const;
}

type Reads = Pick<Workload, "load" | "entrants" | "check">;

function besideWriters(server: Server, connections: number, name: string): Reads {
  return {
    load: points,
    entrants: [underLoad(server), { ...underLoad(server), name, beside: { server, connections, load: writing } }],
    check: checkAsked,
  };
}

async function onSlowDisk(stage: Stage, servedBy: "redis" | "database", from: string) {
  const env = slowDisk(stage.directory);
  if (!env) return undefined;
  return {
    about: `point reads, ${titles}, from ${from}, without writes and beside ${WRITERS} clients that do nothing but
\`updateBook\`; each fsync takes ${FSYNC_DELAY_MS} ms longer`,
    ...besideWriters(await stage.serviceWith(SIZES.asked, servedBy, env), WRITERS, BESIDE_WRITERS),
  };
}

async function writingOnPostgres(stage: Stage, roundTripMs: number, before: string | undefined, where: string) {
  const start = async (entry?: string) => {
    const server = await stage.serviceOnPostgres(roundTripMs, entry === undefined ? {} : { entry, name: BEFORE });
    await fillPostgres(server.database, SIZES.asked);
    return server;
  };
  const pair = (server: Server, oneClient: string): Entrant[] => [
    { name: oneClient, server, connections: 1 },
    underLoad(server),
  ];
  return {
    about: `\`updateBook\` alone, ${titles}; ${where}, without Redis`,
    load: writing,
    entrants: [
      ...pair(await start(), ONE_CLIENT),
      ...(before === undefined ? [] : pair(await start(before), BEFORE_ONE_CLIENT)),
    ],
    check: checkAsked,
  };
}
