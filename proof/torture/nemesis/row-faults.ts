import type { Redis } from "ioredis";
import { memberOf } from "../../checker/title-order.ts";
import type { Random } from "../../clients/random.ts";
import type { Book } from "../../history/operation.ts";
import { readMark } from "../change-log.ts";
import { awaitLists } from "../cluster/convergence.ts";
import type { Means } from "./faults.ts";

/** The keys of a read model in force, and a title in it. */
interface Row {
  readonly client: Redis;
  readonly rows: string;
  readonly order: string;
  readonly title: string;
  readonly json: string;
  readonly book: Book;
  /** The rows of other titles. */
  readonly others: readonly string[];
}

/**
 * A row becomes what can be no instance of its key. No answer may show it, and the processes must find the read model
 * unsound and put another in force: lists come from Redis again.
 */
export async function spoilRow(means: Means): Promise<void> {
  const { history, member } = means;
  const row = await chooseRow(means);
  if (!row) return;
  // only where it still is: a row that comes too late would be a key of its own
  const script =
    "return redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 and redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])";
  await row.client.eval(script, 1, row.rows, row.title, garbage(row, means.random));
  history.blame(await awaitLists(history, member));
}

/** What is written in place of a row. */
function garbage({ title, json, book, others }: Row, random: Random): string {
  const { stockQuantity: _, ...lacking } = book;
  const values = {
    "no JSON": () => random.pick(["{", json.slice(0, -1), `${json}${json}`, "garbage", "\u0000"]),
    empty: () => "",
    "another shape": () => random.pick(["null", "7", "[]", "{}", `"${title}"`, `[${json}]`]),
    "a part of the shape": () =>
      JSON.stringify(
        random.pick<object>([
          { title },
          lacking,
          { ...book, stockQuantity: "many" },
          { ...book, author: null },
          { ...book, version: {} },
        ]),
      ),
    "another's": () => (others.length > 0 ? random.pick(others) : JSON.stringify({ ...book, title: "Nobody's" })),
    "two rows": () => `${json},${others[0] ?? json}`,
  };
  return random.pick(Object.values(values))();
}

/** A row goes, from hash and order alike: the sizes agree, and only the table knows better. */
export async function takeRowOut(means: Means): Promise<void> {
  const row = await chooseRow(means);
  if (!row) return;
  edited(means, row);
  await row.client.multi().hdel(row.rows, row.title).zrem(row.order, memberOf(row.title)).exec();
}

/** A row says something else that it might say. */
export async function editRow(means: Means): Promise<void> {
  const row = await chooseRow(means);
  if (!row) return;
  const { book } = row;
  const edit = means.random.pick<object>([{ author: "by hand" }, { stockQuantity: book.stockQuantity ^ 1 }]);
  edited(means, row);
  const script =
    "return redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] and redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])";
  await row.client.eval(script, 1, row.rows, row.title, row.json, JSON.stringify({ ...book, ...edit }));
}

/** A title stands elsewhere in the order, or another in its place: the sizes agree. */
export async function editOrder(means: Means): Promise<void> {
  const row = await chooseRow(means);
  if (!row) return;
  edited(means, row);
  const { client, order, title } = row;
  if (means.random.chance(0.5)) await client.zadd(order, "XX", 1, memberOf(title));
  else
    await client
      .multi()
      .zrem(order, memberOf(title))
      .zadd(order, 0, memberOf(`${title}, by hand`))
      .exec();
}

/** The mark becomes one of a later state that no history has. Most of what is then written does not fit it. */
export async function editMark({ cluster, history, member, random }: Means): Promise<void> {
  const { client } = cluster.redis;
  const { revision, readModel } = await readMark(member.installation.database.url);
  const { rows } = member.installation.keysOf(readModel);
  const script = "return redis.call('HEXISTS', KEYS[1], '') == 1 and redis.call('HSET', KEYS[1], '', ARGV[1])";
  history.judge.markEdits.add({ title: "", at: history.now });
  await client.eval(script, 1, rows, `${revision + random.between(0, 200)}:${"byhand".repeat(4)}`);
}

/** From now on, answers may be wrong about the title for a while. */
function edited({ history }: Means, { title }: Row): void {
  history.judge.edits.add({ title, at: history.now });
}

/** A row of the read model that is in force, most likely one that no write will soon put right. */
async function chooseRow({ cluster, member, random }: Means): Promise<Row | undefined> {
  const { client } = cluster.redis;
  const { readModel } = await readMark(member.installation.database.url);
  const keys = member.installation.keysOf(readModel);
  const found = await client.hgetall(keys.rows);
  const books = Object.entries(found).flatMap(([title, json]) => bookIn(json, title) ?? []);
  if (books.length === 0) return undefined;
  const still = books.filter(({ title }) => member.installation.names.still.includes(title));
  const book = random.pick(still.length > 0 && random.chance(0.8) ? still : books);
  const others = books.filter((other) => other !== book).map(({ title }) => found[title] as string);
  return { client, ...keys, title: book.title, json: found[book.title] as string, book, others };
}

/** The book in a row; undefined for the mark, and where a row is garbage already. */
function bookIn(json: string, title: string): Book | undefined {
  try {
    const book = JSON.parse(json) as Book | null;
    return title !== "" && book?.title === title ? book : undefined;
  } catch {
    return undefined;
  }
}
