import Database from "better-sqlite3";
import { onPostgres } from "../../test/support/database/on-postgres.ts";
import { byTitle } from "../checker/title-order.ts";
import type { Change, GroundTruth } from "../history/change.ts";
import type { Book } from "../history/operation.ts";

type Row = Record<string, unknown>;

/** Reads the database, and the changes after a revision, without any of the program's own code. */
export async function readGroundTruth(url: string, since = 0): Promise<GroundTruth> {
  const { stream, changes, books } = await read(url, { ...QUERIES, changes: changesAfter(since) });
  const [row = {}] = stream;
  return {
    revision: Number(row.revision),
    token: String(row.token),
    readModel: row.read_model as string | null,
    changes: changes.map(changeOf),
    books: books
      .map(({ id, title, author, published_date, isbn, stock_quantity, version, ...more }) => ({
        id: Number(id),
        title: String(title),
        author: String(author),
        publishedDate: published_date as string | null,
        isbn: isbn as string | null,
        language: more.language as string | null,
        description: more.description as string | null,
        coverUrl: more.cover_url as string | null,
        stockQuantity: Number(stock_quantity),
        version: Number(version),
        addedAt: String(more.added_at),
        updatedAt: String(more.updated_at),
      }))
      .sort((a, b) => byTitle(a.title, b.title)),
  };
}

/** The row alone: where the database stands, and which read model is in force. */
export async function readMark(url: string): Promise<{ revision: number; readModel: string | null }> {
  const { stream } = await read(url, { stream: QUERIES.stream });
  return { revision: Number(stream[0]?.revision), readModel: stream[0]?.read_model as string | null };
}

/** The changes after a revision, in their order. */
export async function readChanges(url: string, since: number): Promise<readonly Change[]> {
  const { changes } = await read(url, { changes: changesAfter(since) });
  return changes.map(changeOf);
}

const QUERIES = {
  stream: "select * from stream where name = 'books'",
  books: "select * from book",
};

function changesAfter(revision: number): string {
  return `select * from book_change where revision > ${revision} order by revision`;
}

async function read<K extends string>(url: string, queries: Record<K, string>): Promise<Record<K, Row[]>> {
  return url.startsWith("sqlite:") ? readSqlite(url, queries) : readPostgres(url, queries);
}

/** Runs statements that change something, one after the other. */
export async function execute(url: string, statements: readonly string[]): Promise<void> {
  if (url.startsWith("sqlite:")) {
    const database = new Database(url.slice("sqlite:".length), { timeout: 5000 });
    try {
      for (const statement of statements) database.exec(statement);
    } finally {
      database.close();
    }
    return;
  }
  await onPostgres(url, async (client) => {
    for (const statement of statements) await client.query(statement);
  });
}

function readSqlite<K extends string>(url: string, queries: Record<K, string>): Record<K, Row[]> {
  const database = new Database(url.slice("sqlite:".length), { readonly: true });
  try {
    const answers = Object.entries<string>(queries).map(([name, query]) => [name, database.prepare(query).all()]);
    return Object.fromEntries(answers);
  } finally {
    database.close();
  }
}

function readPostgres<K extends string>(url: string, queries: Record<K, string>): Promise<Record<K, Row[]>> {
  return onPostgres(url, async (client) => {
    const answers: [string, Row[]][] = [];
    for (const [name, query] of Object.entries<string>(queries)) answers.push([name, (await client.query(query)).rows]);
    return Object.fromEntries(answers) as Record<K, Row[]>;
  });
}

function changeOf(change: Row): Change {
  return {
    revision: Number(change.revision),
    token: String(change.token),
    previousToken: String(change.previous_token),
    at: String(change.at),
    kind: String(change.kind),
    before: bookOf(change.before),
    after: bookOf(change.after),
  };
}

function bookOf(json: unknown): Book | null {
  return json === null ? null : JSON.parse(String(json));
}
