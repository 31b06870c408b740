import { SERVICE, type Stage } from "./cast.ts";
import { catalogue } from "./catalogue.ts";
import { checkBooks, checkList } from "./check.ts";
import type { Entrant, Workload } from "./measure.ts";
import { bookRequest, booksRequest, bookTarget, updateRequests } from "./requests.ts";
import type { Sizes } from "./seed.ts";
import type { Server } from "./server.ts";
import type { Book } from "./servers/support.ts";
import type { Load } from "./wrk.ts";

/** How many clients there are, each of which sends its next request when the last is answered. */
export const CONNECTIONS = 64;

export const SIZES: Sizes = { stored: 100_000, asked: 1000, listed: 100 };

/** Entrants that are not named after their server alone. */
export const ONE_CLIENT = `${SERVICE}, 1 connection`;
export const BY_GET = `${SERVICE}, by GET`;
export const FEW_BOOKS = serviceWith(SIZES.asked);
export function serviceWith(books: number): string {
  return `${SERVICE}, ${books.toLocaleString("en")} books`;
}

/** What a workload may be told of the run. */
interface Circumstances {
  /** How far the catalogue grows. */
  readonly grown: number;
  /** The entry of another checkout, to compare the writing on PostgreSQL with. */
  readonly before: string | undefined;
}

/** Starts what takes part; undefined, with a line that says why, when that cannot be had. */
export type Preparation = (stage: Stage, circumstances: Circumstances) => Promise<Omit<Workload, "name"> | undefined>;

const stored = catalogue(SIZES.stored);
const asked = catalogue(SIZES.asked);
const listed = catalogue(SIZES.listed);
export const titles = `${SIZES.asked.toLocaleString("en")} titles`;

/** The whole list, again and again. */
export const listing: Load = reads([booksRequest], '"data":{"books":[{"title":');
/** Point reads of a few books. */
export const points = reading(asked);
/** Point reads, and some writes. */
const mixed: Load = { ...points, writes: updateRequests(asked), writesOfThousand: 50 };
/** Writes alone. */
export const writing: Load = { ...mixed, writesOfThousand: 1000 };

/** Point reads of these books, and nothing else. */
export function reading(books: readonly Book[]): Load {
  return reads(
    books.map(({ title }) => bookRequest(title)),
    '"data":{"book":{"title":',
  );
}

/** These requests, and nothing else, whose answers begin with `readData`. */
export function reads(requests: readonly string[], readData: string): Load {
  return { reads: requests, writes: [], writesOfThousand: 0, readData };
}

export const checkAsked = (server: Server) => checkBooks(server, asked);

/** The workloads that peers take part in, and those that the service is held against itself by. */
export const workloads: Readonly<Record<string, Preparation>> = {
  point: async (stage) => ({
    about: `\`book(title)\` with six fields, ${titles}, from Redis`,
    load: points,
    entrants: await everyone(stage),
    check: checkAsked,
  }),

  random: async (stage) => ({
    about: `the same, ${SIZES.stored.toLocaleString("en")} titles, so that answers hardly repeat`,
    load: reading(stored),
    entrants: await everyone(stage),
    check: (server) => checkBooks(server, stored),
  }),

  get: async (stage) => {
    const service = await stage.service(SIZES.stored, "redis");
    const byGet = { ...points, reads: asked.map(({ title }) => bookTarget(title)) };
    return {
      about: `\`book(title)\` with six fields, ${titles}, from Redis, by POST and by GET`,
      load: points,
      entrants: [underLoad(service), { ...underLoad(service), name: BY_GET, load: byGet }],
      check: async (server) => {
        await checkAsked(server);
        await checkBooks(server, asked, bookTarget);
      },
    };
  },

  list: async (stage) => ({
    about: `\`books\` with four fields, ${SIZES.listed} rows, from Redis`,
    load: listing,
    entrants: [...(await stage.peers()), await stage.service(SIZES.listed, "redis")].map(underLoad),
    check: (server) => checkList(server, listed),
  }),

  "list-sqlite": async (stage) => ({
    about: `the same from SQLite; the raw limit still has its Redis`,
    load: listing,
    entrants: [await stage.raw(), await stage.service(SIZES.listed, "database")].map(underLoad),
    check: (server) => checkList(server, listed),
  }),

  mixed: async (stage) => ({
    about: `95 % point reads, 5 % \`updateBook\`, ${titles}; SQLite with synchronous=FULL`,
    load: mixed,
    entrants: await everyone(stage),
    check: checkAsked,
  }),

  sqlite: async (stage) => {
    const withoutRedis = [await stage.mercuriusWithSqlite(), await stage.service(SIZES.stored, "database")];
    return {
      about: `\`book(title)\` with six fields, ${titles}, from SQLite; the raw limit still has its Redis`,
      load: points,
      entrants: [await stage.raw(), ...withoutRedis].map(underLoad),
      check: checkAsked,
    };
  },

  writes: async (stage) => {
    const service = await stage.service(SIZES.stored, "redis");
    return {
      about: `\`updateBook\` alone, ${titles}; SQLite with synchronous=FULL, Redis kept up to date`,
      load: writing,
      entrants: [{ name: ONE_CLIENT, server: service, connections: 1 }, underLoad(service)],
      check: checkAsked,
    };
  },

  growth: async (stage, { grown }) => ({
    about: `\`book(title)\` with six fields, the same ${titles} of a small and of a large catalogue`,
    load: points,
    entrants: [
      { ...underLoad(await stage.service(SIZES.asked, "redis")), name: FEW_BOOKS },
      { ...underLoad(await stage.service(grown, "redis")), name: serviceWith(grown) },
    ],
    check: checkAsked,
  }),
};

export function underLoad(server: Server): Entrant {
  return { name: server.name, server, connections: CONNECTIONS };
}

async function everyone(stage: Stage): Promise<Entrant[]> {
  return [...(await stage.peers()), await stage.service(SIZES.stored, "redis")].map(underLoad);
}
