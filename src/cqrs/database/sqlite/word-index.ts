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
 * Words by FTS5. Its content is the table itself, which triggers keep it in step with; they are of the database, so that a
 * process which knows nothing of it cannot leave it behind. The words are folded, and so is all that is not ASCII a part of
 * one.
 */
export const sqliteWordIndex: WordIndex = {
  create: ({ table, columns }) => {
    const index = wordIndexOf(table);
    const of = (row: "new" | "old") => [`${row}.id`, ...columns.map((column) => `${row}.${column}`)].join(", ");
    // a row whose words are not made yet is not in it
    const isIn = (row: "new" | "old") => `${row}.${columns[0]} is not null`;
    const insert = `insert into ${index} (rowid, ${columns}) select ${of("new")} where ${isIn("new")};`;
    const remove = `insert into ${index} (${index}, rowid, ${columns}) select 'delete', ${of("old")} where ${isIn("old")};`;
    const changed = ["id", ...columns].map((column) => `old.${column} is not new.${column}`).join(" or ");
    return [
      `create virtual table ${index} using fts5(${columns}, content='${table}', content_rowid='id',
        tokenize='ascii', detail=column, columnsize=0, prefix='1 2 3')`,
      // commands merge in small steps; this is for when others write much
      `insert into ${index} (${index}, rank) values ('automerge', 8)`,
      `create trigger ${index}_insert after insert on ${table} begin ${insert} end`,
      `create trigger ${index}_delete after delete on ${table} begin ${remove} end`,
      `create trigger ${index}_update after update on ${table} when ${changed} begin ${remove} ${insert} end`,
    ];
  },
  toCurrent: () => [],
  foundBy: (index) => ({ isInOrder: true, ids: (demand) => idsOf(index, demand) }),
};

function idsOf({ table }: WordColumns, demand: WordDemand) {
  const index = expression.table(wordIndexOf(table));
  return expression`select rowid as ${expression.ref(FOUND_ID)} from ${index} where ${index} match ${matchOf(demand)}`;
}

/** What FTS5 takes for a question: everything that it might take for syntax is in quotes. */
function matchOf({ all, none }: WordDemand): string {
  const wanted = all.map((sought) => `(${termsOf(sought)})`).join(" AND ");
  return none.reduce((match, sought) => `(${match}) NOT (${termsOf(sought)})`, wanted);
}

function termsOf(sought: SoughtWords): string {
  const { whole, beginning } = demandOf(sought);
  const quoted = (word: string) => `"${word.replaceAll('"', '""')}"`;
  const terms = [...whole.map(quoted), ...(beginning === undefined ? [] : [`${quoted(beginning)} *`])];
  return `{${sought.within.join(" ")}} : (${terms.join(" AND ")})`;
}
