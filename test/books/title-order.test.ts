import { describe, expect, test } from "vitest";
import { orderKey } from "../../src/cqrs/folding.ts";
import { migratedDatabase } from "../support/database/migrated-database.ts";
import { sqlOn } from "../support/database/sql.ts";
import { startRedis } from "../support/redis/server.ts";
import { titleCursor } from "../support/service/cursors.ts";
import type { GraphqlClient } from "../support/service/graphql-client.ts";
import { startService } from "../support/service/service.ts";
import { servedByRedis } from "../support/service/witness.ts";
import { eventually } from "../support/wait.ts";
import { EMOJI, ODD_TITLES, ORDERED_TITLES } from "./titles.ts";

/** Real ones in many scripts; those that fold to the same; and the longest, whose keys are the same, too. */
const TITLES = [
  ...[
    "apple",
    "Apple",
    "Banana",
    "Écran",
    "ecran",
    "Écran total",
    "zebra",
    "Zebra",
    "Œuvres",
    "oeuf",
    "Straße",
    "strasse",
  ],
  ...[
    "Łódź",
    "lodz",
    "Ærø",
    "aero",
    "Þingvellir",
    "Đuro",
    "İstanbul",
    "ısı",
    "Ångström",
    "Zürich",
    "zurich",
    "ŉ",
    "ﬁancé",
  ],
  ...[
    "Война и мир",
    "война",
    "Ёлка",
    "елка",
    "Ὀδύσσεια",
    "οδυσσεια",
    "Σίσυφος",
    "אלף",
    "ألف ليلة وليلة",
    "हिन्दी",
    "ไทย",
  ],
  ...[
    "紅樓夢",
    "红楼梦",
    "源氏物語",
    "ガラス",
    "ｶﾞﾗｽ",
    "がらす",
    "한국어",
    "\u1112\u1161\u11ab글",
    "Tiếng Việt",
    "Ꮳꮃꭹ",
    "𐐀",
    "𐐨",
    "𝔄",
  ],
  ...[0, 1, 2].map((n) => `${EMOJI.repeat(511)}${n}`),
  ...["a", "b"].map((end) => `É${"x".repeat(200)}${end}`),
  ...["B", "a"].map((end) => `e${"X".repeat(127)}${end}`),
  "x".repeat(512),
  "\u{10FFFD}".repeat(512),
  ...ODD_TITLES,
  ...ORDERED_TITLES,
];

/** By the folded title, then as they are, both by code point: written out once more. */
function inTitleOrder(titles: Iterable<string>): string[] {
  const points = (text: string) => Array.from(text, (point) => point.codePointAt(0) as number);
  const compare = (a: readonly number[], b: readonly number[]): number => {
    const at = a.findIndex((point, i) => point !== b[i]);
    return at === -1 ? a.length - b.length : (a[at] as number) - (b[at] ?? -1);
  };
  return [...titles].sort((a, b) => compare(points(orderKey(a)), points(orderKey(b))) || compare(points(a), points(b)));
}

const PAGE = `query ($first: Int, $last: Int, $after: String, $before: String) {
  booksConnection(first: $first, last: $last, after: $after, before: $before) {
    edges { cursor node { title } } pageInfo { hasNextPage hasPreviousPage }
  }
}`;

/** All titles, page by page from one end. */
async function walked(service: GraphqlClient, size: number, backwards: boolean): Promise<string[]> {
  const pages: string[][] = [];
  for (let cursor: string | undefined; ; ) {
    const variables = backwards ? { last: size, before: cursor } : { first: size, after: cursor };
    const { edges, pageInfo } = (await service.ask(PAGE, { variables })).data.booksConnection;
    const titles: string[] = edges.map(({ node }: { node: { title: string } }) => node.title);
    for (const [i, { cursor }] of edges.entries()) expect(cursor).toBe(titleCursor(titles[i] as string));
    pages.push(titles);
    cursor = edges.at(backwards ? 0 : -1)?.cursor;
    if (!(backwards ? pageInfo.hasPreviousPage : pageInfo.hasNextPage)) break;
  }
  return (backwards ? pages.reverse() : pages).flat();
}

describe("title order", () => {
  test("is for people", async () => {
    const service = await startService();
    const titles = ["apple", "Banana", "Écran", "Zebra", "zebra"];
    for (const title of titles.toReversed()) await service.addBook(title);
    expect(await service.titles()).toEqual(titles);
  });

  test("is the same in the list and on pages, from Redis and from the table, and as titles change", async () => {
    const { url: DATABASE_URL } = await migratedDatabase();
    const redis = await startRedis();
    const withRedis = await startService({ DATABASE_URL, REDIS_URL: redis.url, REDIS_TIMEOUT_MS: "5000" });
    const without = await startService({ DATABASE_URL });
    const titles = new Set(TITLES.map((title) => title.normalize("NFC")));
    await Promise.all([...titles].map((title) => withRedis.addBook(title)));
    const agree = async () => {
      const ordered = inTitleOrder(titles);
      await servedByRedis(withRedis);
      await eventually("the list comes from Redis", async () => {
        const { data, consistency } = await withRedis.ask("{ books { title } }");
        expect(data.books.map(({ title }: { title: string }) => title)).toEqual(ordered);
        return consistency.servedBy === "redis";
      });
      expect(await without.titles()).toEqual(ordered);
      for (const service of [withRedis, without]) {
        for (const backwards of [false, true]) expect(await walked(service, 7, backwards)).toEqual(ordered);
      }
      const members = await redis.client.zrange((await redis.client.keys("*:order"))[0] as string, "0", "-1");
      expect(members).toEqual(ordered.map((title) => `${orderKey(title)}\0${title}`));
    };
    await agree();

    // one that keeps its key, one that moves, one that takes another's place, and one that goes
    const renames = [
      ["Zebra", "ZEBRA"],
      ["apple", "Zürich am See"],
      ["Łódź", "apple"],
      ["ecran", "ÉCRAN"],
      ["x".repeat(512), `y${"\u{10FFFD}".repeat(511)}`],
    ] as const;
    for (const [before, after] of renames) {
      const { updateBook } = (await without.updateBook(before, { title: after })).data;
      expect(updateBook.title).toBe(after);
      titles.delete(before);
      titles.add(after);
    }
    await withRedis.deleteBook("Banana");
    titles.delete("Banana");
    await agree();
  });

  test("reaches pages that begin at a cursor whose book is gone", async () => {
    const service = await startService();
    for (const title of ["écran", "Écran", "ÉCRAN", "eclair", "ecru"]) await service.addBook(title);
    const page = async (variables: object) => {
      const { edges } = (await service.ask(PAGE, { variables: { ...variables } })).data.booksConnection;
      return edges.map(({ node }: { node: { title: string } }) => node.title);
    };
    await service.deleteBook("Écran");
    expect(await page({ after: titleCursor("Écran") })).toEqual(["écran", "ecru"]);
    expect(await page({ before: titleCursor("Écran") })).toEqual(["eclair", "ÉCRAN"]);
    expect(await page({ after: titleCursor("ecran") })).toEqual(["ÉCRAN", "écran", "ecru"]);
  });
});

describe("a list of the table in which rows are stale", () => {
  test("is read when these are made anew, whatever asks for it", async () => {
    const { url } = await migratedDatabase();
    const service = await startService({ DATABASE_URL: url });
    const titles = ["Écran", "apple", "Zebra", "banana"];
    await service.addBook("Écran");
    // as the version before adds and renames, behind the service's back
    const writeAsBefore = async (title: string, i: number) => {
      await sqlOn(
        url,
        `insert into book (title, author, stock_quantity, version) values ('${title}', 'A', 0, ${900 + i})`,
      );
    };
    const ordered = inTitleOrder(titles);
    for (const [i, title] of titles.slice(1).entries()) await writeAsBefore(title, i);
    expect(await service.titles()).toEqual(ordered);
    await sqlOn(url, "update book set title = 'Ärmel', version = 950 where title = 'Zebra'");
    expect(await walked(service, 2, false)).toEqual(["apple", "Ärmel", "banana", "Écran"]);
    await sqlOn(url, "update book set title = 'Zoo', version = 951 where title = 'apple'");
    expect(await walked(service, 3, true)).toEqual(["Ärmel", "banana", "Écran", "Zoo"]);
    expect(await sqlOn(url, "select title from book where folded_version is distinct from version")).toEqual([]);
  });
});
