import { Migration } from "@mikro-orm/migrations";
import { createStreamSql } from "../cqrs/migrations.ts";
import type { NamedMigration } from "../cqrs/orm-service.ts";

class CreateBook extends Migration {
  override up(): void {
    this.addSql(`
      create table book (
        id integer primary key autoincrement,
        title text not null,
        author text not null,
        published_date text,
        isbn text,
        stock_quantity integer not null,
        version integer not null
      )`);
    // SQLite checks the youngest index first: of a title and an ISBN that are both taken, the title is reported
    this.addSql("create unique index book_isbn_unique on book (isbn)");
    this.addSql("create unique index book_title_unique on book (title)");
    for (const statement of createStreamSql("books", "book_change")) this.addSql(statement);
  }
}

export const bookMigrations: readonly NamedMigration[] = [{ name: "books-1-create-book", class: CreateBook }];
