import { Migration } from "@mikro-orm/migrations";
import { newToken } from "./mark.ts";

/** How the engine at hand spells what engines spell differently. */
export interface Ddl {
  /** The type and constraints of a primary key that the database counts up and never gives out twice. */
  readonly identity: string;
  /** The type of a text whose order is by Unicode code point. */
  readonly text: string;
  /** Whether a statement that breaks two unique indexes is told of the one that was created last. */
  readonly youngestIndexFirst: boolean;
}

/** One step of the database's schema. It runs once, in a transaction, in the order of the list that it stands in. */
export interface SchemaMigration {
  /** The stable name under which the database remembers that it ran. */
  readonly name: string;
  readonly up: (ddl: Ddl) => readonly string[];
}

/** The kernel's own tables. They come before those of the aggregates. */
export const kernelMigrations: readonly SchemaMigration[] = [
  {
    name: "cqrs-1-create-stream",
    up: () => [
      `create table stream (
        name text primary key,
        revision bigint not null,
        token text not null,
        previous_token text not null,
        read_model text,
        lease_ms integer not null
      )`,
    ],
  },
];

/** The statements that a new stream needs: its row, and its change log in the table `changes`. */
export function createStream(name: string, changes: string): readonly string[] {
  return [
    `insert into stream (name, revision, token, previous_token, lease_ms) values ('${name}', 0, '${newToken()}', '', 0)`,
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

/** The migration as MikroORM's migrator takes it. */
export function mikroOrmMigration({ name, up }: SchemaMigration, ddl: Ddl) {
  return {
    name,
    class: class extends Migration {
      override up(): void {
        for (const statement of up(ddl)) this.addSql(statement);
      }
    },
  };
}
