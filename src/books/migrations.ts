import { createStream, type SchemaMigration } from "../cqrs/database/migrations.ts";

/** The tables of the books. */
export const bookMigrations: readonly SchemaMigration[] = [
  {
    name: "books-1-create-book",
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
];
