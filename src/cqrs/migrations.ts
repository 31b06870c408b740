import { Migration } from "@mikro-orm/migrations";
import type { NamedMigration } from "./orm-service.ts";
import { newToken } from "./stream.ts";

class CreateStream extends Migration {
  override up(): void {
    this.addSql(`
      create table stream (
        name text primary key,
        revision bigint not null,
        token text not null,
        previous_token text not null,
        read_model text,
        lease_ms integer not null
      )`);
  }
}

/** The kernel's own tables. They run before those of the aggregates. */
export const kernelMigrations: readonly NamedMigration[] = [{ name: "cqrs-1-create-stream", class: CreateStream }];

/** The statements that a new stream needs: its row, and its change log in the table `changes`. */
export function createStreamSql(name: string, changes: string): string[] {
  return [
    `insert into stream (name, revision, token, previous_token, lease_ms)
      values ('${name}', 0, '${newToken()}', '', 0)`,
    `create table ${changes} (
        revision bigint primary key,
        token text not null,
        previous_token text not null,
        at text not null,
        kind text not null check (kind in ('add', 'update', 'delete')),
        entity_id integer not null,
        before text,
        after text
      )`,
  ];
}
