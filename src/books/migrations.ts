import {
  createDerivation,
  createStream,
  indexHistory,
  logWho,
  type SchemaMigration,
} from "../cqrs/database/migrations.ts";

const WORDS = { table: "book", columns: ["title_words", "author_words"] };

/** The tables of the books. */
export const bookMigrations: readonly SchemaMigration[] = [
  {
    name: "books-1-create-book",
    compatible: true,
    up: (ddl) => {
      // of a title and an ISBN that are both taken, the title is to be reported
      const indexes = [
        "create unique index book_title_unique on book (title)",
        "create unique index book_isbn_unique on book (isbn)",
      ];
      return [
        `create table book (
          id ${ddl.identity},
          title ${ddl.text} not null,
          author text not null,
          published_date text,
          isbn text,
          stock_quantity integer not null,
          version integer not null
        )`,
        ...(ddl.youngestIndexFirst ? indexes.reverse() : indexes),
        ...createStream("books", "book_change"),
      ];
    },
  },
  {
    name: "books-2-tell-books-apart",
    compatible: true,
    up: (ddl) => {
      const now = new Date().toISOString();
      // processes of the version before go on adding books for a while, and know no time
      const time = `${ddl.text} not null default '1970-01-01T00:00:00.000Z'`;
      return [
        // a version is now a revision, up to 2^53
        ...ddl.toDouble("book", "version"),
        `alter table book add column language ${ddl.text}`,
        `alter table book add column description ${ddl.text}`,
        `alter table book add column cover_url ${ddl.text}`,
        `alter table book add column added_at ${time}`,
        `alter table book add column updated_at ${time}`,
        // books that the log does not have are as old as this
        `update book set added_at = '${now}', updated_at = '${now}'`,
        `update book set added_at = logged.added_at, updated_at = logged.updated_at
          from (select entity_id, min(at) as added_at, max(at) as updated_at from book_change group by entity_id) as logged
          where logged.entity_id = book.id`,
      ];
    },
  },
  {
    name: "books-3-title-order",
    compatible: true,
    up: (ddl) => [
      `alter table book add column title_key ${ddl.text}`,
      "create index book_title_order on book (title_key, title)",
      ...createDerivation("book", "version", ddl),
    ],
  },
  {
    name: "books-4-search",
    compatible: true,
    up: (ddl) => [
      `alter table book add column title_words ${ddl.text}`,
      `alter table book add column author_words ${ddl.text}`,
      ...ddl.words.create(WORDS),
      // rows that have their other derived columns lack these
      "update book set folded_version = null where folded_version is not null",
    ],
  },
  {
    name: "books-5-orders",
    compatible: true,
    up: (ddl) => [
      ...ddl.toCodePointOrder("book", "author"),
      ...ddl.toCodePointOrder("book", "published_date"),
      `alter table book add column author_key ${ddl.text}`,
      `alter table book add column author_rest ${ddl.text}`,
      `alter table book add column title_rest ${ddl.text}`,
      // what they have is made of all rows at the start
      "update book set folded_version = null where folded_version is not null",
      // tied by id they are a third of what they would be if tied by title
      "create index book_author_order on book (author_key, id)",
      "create index book_published_date_order on book (published_date, id)",
      "create index book_stock_quantity_order on book (stock_quantity, id)",
      "create index book_added_at_order on book (added_at, id)",
      "create index book_updated_at_order on book (updated_at, id)",
      "create index book_language_order on book (language, id)",
    ],
  },
  { name: "books-6-log-who", compatible: true, up: () => logWho("book_change") },
  {
    name: "books-7-history",
    compatible: true,
    up: (ddl) => indexHistory(ddl, "book_change", ["title", "isbn"]),
  },
  {
    name: "books-8-carry",
    compatible: true,
    up: (ddl) =>
      // what is asked for beside a language is told without a look at the rows
      ddl.readsIndexAlone
        ? [
            "drop index book_language_order",
            "create index book_language_order on book (language, id, published_date, stock_quantity)",
          ]
        : [],
  },
  {
    name: "books-9-search-in-parts",
    compatible: true,
    up: (ddl) =>
      // beside it a version before finds words without an index, which takes long in a large catalogue
      ddl.words.toCurrent(WORDS),
  },
  { name: "books-10-know-ranges", compatible: true, up: (ddl) => ddl.knowRanges("book", "title_key") },
];
