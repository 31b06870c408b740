import { sql as expression } from "kysely";
import {
  demandOf,
  FOUND_ID,
  type SoughtWords,
  type WordColumns,
  type WordDemand,
  type WordIndex,
} from "../word-index.ts";
import { wordIndexOf } from "../word-index-name.ts";

/**
 * Words by a GIN index over an expression of the columns, which needs no column of its own. Each word begins with a letter
 * for the column that it is in. Without `fastupdate`, which has one of many writers wait for what all of them put off.
 */
export const postgresWordIndex: WordIndex = {
  create: (index) => [
    `create index ${wordIndexOf(index.table)} on ${index.table} using gin ((${vectorOf(index)})) with (fastupdate = off)`,
  ],
  // it collects all before it hands out the first
  isInOrder: false,
  ids: (index, demand) => expression`select id as ${expression.ref(FOUND_ID)} ${foundBy(index, demand)}`,
  rows: (index, demand) => expression`select *, id as ${expression.ref(FOUND_ID)} ${foundBy(index, demand)}`,
};

function foundBy(index: WordColumns, { all, none }: WordDemand) {
  const wanted = all.map((sought) => `(${queryOf(index, sought)})`);
  const query = [...wanted, ...none.map((sought) => `!(${queryOf(index, sought)})`)].join(" & ");
  return expression`from ${expression.table(index.table)}
    where ${expression.raw(vectorOf(index))} @@ cast(${query} as tsquery)`;
}

/** Must be the same wherever it is, or the index is not used. */
export function vectorOf({ columns }: WordColumns): string {
  const marked = columns.map((column, i) => `replace(rtrim(${column}), ' ', ' ${letterOf(i)}')`);
  return `array_to_tsvector(string_to_array(ltrim(${marked.join(" || ")}), ' '))`;
}

function queryOf({ columns }: WordColumns, sought: SoughtWords): string {
  const { whole, beginning } = demandOf(sought);
  const within = sought.within.map((column) => letterOf(columns.indexOf(column)));
  const quoted = (word: string) => `'${word.replaceAll(/['\\]/g, "$&$&")}'`;
  const either = (word: string, suffix: string) =>
    `(${within.map((letter) => quoted(letter + word) + suffix).join(" | ")})`;
  const terms = [
    ...whole.map((word) => either(word, "")),
    ...(beginning === undefined ? [] : [either(beginning, ":*")]),
  ];
  return terms.join(" & ");
}

/** The letter that each word of a column begins with. */
export function letterOf(column: number): string {
  return String.fromCharCode("a".charCodeAt(0) + column);
}
