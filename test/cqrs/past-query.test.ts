import { CompiledQuery, sql as expression } from "kysely";
import { expect, test } from "vitest";
import { bookStream } from "../../src/books/book-stream.ts";
import { Derivation } from "../../src/cqrs/derivation.ts";
import { pastQuery } from "../../src/cqrs/queries/past-query.ts";
import { TableRows } from "../../src/cqrs/queries/table-rows.ts";
import { openBooks } from "../support/database/books.ts";
import { engine } from "../support/database/database.ts";
import { migratedDatabase } from "../support/database/migrated-database.ts";

test("who had a title, an ISBN or an id is found by indexes, however long the log is", async () => {
  const { orm, books } = await openBooks((await migratedDatabase()).url);
  const rows = new TableRows(orm, books, new Derivation(orm, bookStream));
  const planOf = (property: "title" | "isbn" | "id", value: string | number) =>
    orm.transaction((tx) =>
      tx.sql(async (sql) => {
        const member = (column: string) => orm.ddl.member(column, property);
        const by = { property, value, member };
        const compiled = pastQuery(sql, bookStream, rows, by, 7).compile();
        // of an empty table a server thinks that it is read the fastest
        if (engine === "postgresql") await expression`set local enable_seqscan = off`.execute(sql);
        const explain = engine === "postgresql" ? "explain" : "explain query plan";
        const plan = await sql.executeQuery(CompiledQuery.raw(`${explain} ${compiled.sql}`, [...compiled.parameters]));
        return JSON.stringify(plan.rows);
      }),
    );
  const plans = [
    { plan: await planOf("title", "A"), indexes: ["book_change_title", "book_change_entity"] },
    { plan: await planOf("isbn", "1234567890"), indexes: ["book_change_isbn", "book_change_entity"] },
    { plan: await planOf("id", 3), indexes: ["book_change_entity"] },
  ];
  for (const { plan, indexes } of plans) {
    for (const index of indexes) expect(plan).toContain(index);
    expect(plan).not.toMatch(/Seq Scan on book_change|SCAN book_change/);
  }
  await orm.close();
});
