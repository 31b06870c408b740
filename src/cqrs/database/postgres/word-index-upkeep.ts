import { CompiledQuery, sql as expression } from "kysely";
import type { Sql } from "../engine.ts";
import type { WordColumns, WordDifference } from "../word-index.ts";
import { termOf, vectorOf, wordIn } from "./word-index.ts";

/** Rows that are read at once, and entries of the index. */
const PORTION = { rows: 5000, entries: 100_000 };
/** So many words are asked for by one statement. */
const WORDS = 500;

/** How many rows have a word, and the sum of their ids. */
interface Entries {
  count: number;
  sum: number;
}

/**
 * Rows that the index does not have as the table has them, in a snapshot: each word that is in the table is asked for. What
 * the index has under words that no row has, nobody can tell.
 */
export async function wordDifferences(sql: Sql, index: WordColumns): Promise<WordDifference[]> {
  // small tables as well are to be asked by the index
  await sql.executeQuery(CompiledQuery.raw("set local enable_seqscan = off"));
  const words = await wordsInTable(sql, index);
  const differing: string[] = [];
  for (const portion of portionsOf(words)) {
    const found = await expression<{ word: string; count: string; sum: string | null }>`
      select word, count(id) as count, sum(id) as sum from unnest(${portion}::text[]) as word
        left join lateral (${foundUnder(index, expression.ref("word"))}) as found on true group by word`.execute(sql);
    for (const { word, count, sum } of found.rows) {
      const expected = words.get(word) as Entries;
      if (Number(count) !== expected.count || Number(sum ?? 0) !== expected.sum) differing.push(word);
    }
  }
  const rows = await Promise.all(differing.map((word) => differencesOf(sql, index, word)));
  return rows.flat();
}

async function wordsInTable(sql: Sql, { table, columns }: WordColumns): Promise<Map<string, Entries>> {
  const words = new Map<string, Entries>();
  for (let last = 0; ; ) {
    const rows = await sql
      .selectFrom(table)
      .select(["id", ...columns])
      .where("id", ">", last)
      .where(columns[0] as string, "is not", null)
      .orderBy("id")
      .limit(PORTION.rows)
      .execute();
    for (const row of rows) {
      for (const [i, column] of columns.entries()) {
        for (const word of String(row[column]).split(" ")) {
          if (word === "") continue;
          const term = termOf(row.id, i, word);
          const entries = words.get(term) ?? { count: 0, sum: 0 };
          entries.count++;
          entries.sum += row.id;
          words.set(term, entries);
        }
      }
    }
    if (rows.length < PORTION.rows) return words;
    last = rows.at(-1)?.id;
  }
}

/** Words that are asked for together, so that no statement has too much to find. */
function* portionsOf(words: ReadonlyMap<string, Entries>): Generator<string[]> {
  let portion: string[] = [];
  let entries = 0;
  for (const [word, { count }] of words) {
    if (portion.length === WORDS || (portion.length > 0 && entries + count > PORTION.entries)) {
      yield portion;
      portion = [];
      entries = 0;
    }
    portion.push(word);
    entries += count;
  }
  if (portion.length > 0) yield portion;
}

async function differencesOf(sql: Sql, { table, columns }: WordColumns, term: string): Promise<WordDifference[]> {
  const { column, word } = wordIn(term);
  const idsOf = async (rows: ReturnType<typeof foundUnder>) =>
    (await expression<{ id: number }>`${rows}`.execute(sql)).rows.map(({ id }) => id);
  const indexed = new Set(await idsOf(foundUnder({ table, columns }, expression.val(term))));
  const having = await idsOf(
    expression`select id from ${expression.table(table)}
      where ${expression.ref(columns[column] as string)} like ${`% ${word} %`}`,
  );
  const stored = new Set(having.filter((id) => termOf(id, column, word) === term));
  return [...indexed.symmetricDifference(stored)].map((id) => ({
    id,
    what: `${indexed.has(id) ? "has a word that is not in the row" : "lacks a word of the row"}: ${word}`,
  }));
}

/** The ids of the rows that the index has under a term. */
function foundUnder({ table, columns }: WordColumns, term: ReturnType<typeof expression.ref>) {
  return expression`select id from ${expression.table(table)}
    where ${expression.raw(vectorOf({ table, columns }))} @@ cast(quote_literal(${term}) as tsquery)`;
}
