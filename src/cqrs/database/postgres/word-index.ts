import { sql as expression } from "kysely";
import { demandOf, type SoughtWords, type WordColumns, type WordDemand, type WordIndex } from "../word-index.ts";
import { wordIndexOf } from "../word-index-name.ts";

/**
 * The index has the rows in so many parts, each under words of its own: it collects all rows of a question before it hands
 * out the first, and who counts frequent words no further than to some thousands asks a part or two.
 */
const PARTS = 8;
/** Rows of so many ids, which lie together in the table, are of one part. */
const NEIGHBOURS = 4096;

/**
 * Words by a GIN index over an expression of the columns, which needs no column of its own. Each word begins with a letter
 * for the part that its row is in, and one for the column. Without `fastupdate`, which has one of many writers wait for
 * what all of them put off.
 */
export const postgresWordIndex: WordIndex = {
  create,
  // until now it had no parts
  toCurrent: (index) => [`drop index ${wordIndexOf(index.table)}`, ...create(index)],
  foundBy: (index) => {
    const table = expression.table(index.table);
    const vector = expression.raw(vectorOf(index));
    return {
      isInOrder: false,
      // the parts one after the other; where the planner may not put tests into it, no other index is read for each anew
      rows: (demand) => expression`select found.* from unnest(${queriesOf(index, demand)}::text[]) as part(query)
        cross join lateral (select * from ${table} where ${vector} @@ cast(part.query as tsquery) offset 0) as found`,
      hold: (demand) => {
        const parts = queriesOf(index, demand).map((query) => expression`${vector} @@ cast(${query} as tsquery)`);
        return expression<boolean>`(${expression.join(parts, expression` or `)})`;
      },
    };
  },
};

function create(index: WordColumns): readonly string[] {
  return [
    `create index ${wordIndexOf(index.table)} on ${index.table} using gin ((${vectorOf(index)})) with (fastupdate = off)`,
  ];
}

/** What is asked of each part. */
function queriesOf(index: WordColumns, { all, none }: WordDemand): string[] {
  return Array.from({ length: PARTS }, (_, part) => {
    const wanted = all.map((sought) => `(${queryOf(index, part, sought)})`);
    return [...wanted, ...none.map((sought) => `!(${queryOf(index, part, sought)})`)].join(" & ");
  });
}

/** Must be the same wherever it is, or the index is not used. */
export function vectorOf({ columns }: WordColumns): string {
  const part = `chr(${letterOf(0).charCodeAt(0)} + id / ${NEIGHBOURS} % ${PARTS})`;
  const marked = columns.map((column, i) => `replace(rtrim(${column}), ' ', ' ' || ${part} || '${letterOf(i)}')`);
  return `array_to_tsvector(string_to_array(ltrim(${marked.join(" || ")}), ' '))`;
}

function queryOf({ columns }: WordColumns, part: number, sought: SoughtWords): string {
  const { whole, beginning } = demandOf(sought);
  const within = sought.within.map((column) => letterOf(part) + letterOf(columns.indexOf(column)));
  const quoted = (word: string) => `'${word.replaceAll(/['\\]/g, "$&$&")}'`;
  const either = (word: string, suffix: string) =>
    `(${within.map((letters) => quoted(letters + word) + suffix).join(" | ")})`;
  const terms = [
    ...whole.map((word) => either(word, "")),
    ...(beginning === undefined ? [] : [either(beginning, ":*")]),
  ];
  return terms.join(" & ");
}

/** What the index has for a word that the row of this id has in a column. */
export function termOf(id: number, column: number, word: string): string {
  return letterOf(Math.floor(id / NEIGHBOURS) % PARTS) + letterOf(column) + word;
}

/** The word that a term stands for, and the number of its column. */
export function wordIn(term: string): { readonly column: number; readonly word: string } {
  return { column: term.charCodeAt(1) - letterOf(0).charCodeAt(0), word: term.slice(2) };
}

function letterOf(number: number): string {
  return String.fromCharCode("a".charCodeAt(0) + number);
}
