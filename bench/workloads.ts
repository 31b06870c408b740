import { SERVICE, type Stage } from "./cast.ts";
import { catalogue } from "./catalogue.ts";
import { checkBooks, checkList } from "./check.ts";
import type { Entrant, Workload } from "./measure.ts";
import { bookRequest, booksRequest, updateRequests } from "./requests.ts";
import type { Sizes } from "./seed.ts";
import type { Server } from "./server.ts";
import type { Book } from "./servers/support.ts";
import type { Load } from "./wrk.ts";

/** How many clients there are, each of which sends its next request when the last is answered. */
export const CONNECTIONS = 64;

const SIZES: Sizes = { stored: 100_000, asked: 1000, listed: 100 };

/** Entrants that are not named after their server alone. */
export const ONE_CLIENT = `${SERVICE}, 1 connection`;
export const FEW_BOOKS = serviceWith(SIZES.asked);
export function serviceWith(books: number): string {
  return `${SERVICE}, ${books.toLocaleString("en")} books`;
}

/** The workloads one after the other; `grown` is how far the catalogue grows in the last. */
export async function* workloads(stage: Stage, grown: number): AsyncGenerator<Workload> {
  const stored = catalogue(SIZES.stored);
  const asked = catalogue(SIZES.asked);
  const listed = catalogue(SIZES.listed);
  const points = reading(asked);
  const titles = `${SIZES.asked.toLocaleString("en")} titles`;

  const peers = await stage.peers(SIZES);
  const service = await stage.service(SIZES.stored, "redis");
  const everyone = [...peers, service].map(underLoad);

  yield {
    name: "point",
    about: `\`book(title)\` with six fields, ${titles}, from Redis`,
    load: points,
    entrants: everyone,
    check: (server) => checkBooks(server, asked),
  };

  yield {
    name: "random",
    about: `the same, ${SIZES.stored.toLocaleString("en")} titles, so that answers hardly repeat`,
    load: reading(stored),
    entrants: everyone,
    check: (server) => checkBooks(server, stored),
  };

  yield {
    name: "list",
    about: `\`books\` with four fields, ${SIZES.listed} rows, from Redis`,
    load: listing,
    entrants: [...peers, await stage.service(SIZES.listed, "redis")].map(underLoad),
    check: (server) => checkList(server, listed),
  };

  const mixed: Load = { ...points, writes: updateRequests(asked), writesOfThousand: 50 };
  yield {
    name: "mixed",
    about: `95 % point reads, 5 % \`updateBook\`, ${titles}; SQLite with synchronous=FULL`,
    load: mixed,
    entrants: everyone,
    check: (server, when) => checkBooks(server, asked, when === "after"),
  };

  const withoutRedis = [await stage.mercuriusWithSqlite(SIZES), await stage.service(SIZES.stored, "database")];
  yield {
    name: "sqlite",
    about: `\`book(title)\` with six fields, ${titles}, from SQLite; the raw limit still has its Redis`,
    load: points,
    // the raw limit has been written to by now
    entrants: [peers[0], ...withoutRedis].map(underLoad),
    check: (server) => checkBooks(server, asked, server === peers[0]),
  };

  yield {
    name: "writes",
    about: `\`updateBook\` alone, ${titles}; SQLite with synchronous=FULL, Redis kept up to date`,
    load: { ...mixed, writesOfThousand: 1000 },
    entrants: [{ name: ONE_CLIENT, server: service, connections: 1 }, underLoad(service)],
    check: (server) => checkBooks(server, asked, true),
  };

  yield {
    name: "growth",
    about: `\`book(title)\` with six fields, the same ${titles} of a small and of a large catalogue`,
    load: points,
    entrants: [
      { ...underLoad(await stage.service(SIZES.asked, "redis")), name: FEW_BOOKS },
      { ...underLoad(await stage.service(grown, "redis")), name: serviceWith(grown) },
    ],
    check: (server) => checkBooks(server, asked),
  };
}

/** The whole list, again and again. */
export const listing: Load = {
  reads: [booksRequest],
  writes: [],
  writesOfThousand: 0,
  readData: '"data":{"books":[{"title":',
};

/** Point reads of these books, and nothing else. */
export function reading(books: readonly Book[]): Load {
  const reads = books.map(({ title }) => bookRequest(title));
  return { reads, writes: [], writesOfThousand: 0, readData: '"data":{"book":{"title":' };
}

function underLoad(server: Server): Entrant {
  return { name: server.name, server, connections: CONNECTIONS };
}
