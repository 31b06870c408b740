import type { EntityName } from "@mikro-orm/core";
import type { Derived } from "../derived.ts";
import type { PoolSizes } from "./engine.ts";
import type { SchemaMigration } from "./migrations.ts";

/** What a database is opened with. */
export interface OrmOptions {
  readonly entities: readonly AnyEntity[];
  /** In the order in which they run. */
  readonly migrations: readonly SchemaMigration[];
  /** Whether they may run; if not, a database that lacks any is refused. They may unless told otherwise. */
  readonly mayMigrate?: boolean;
  /** How many connections are opened at most, to an engine that has pools of them. */
  readonly pools?: PoolSizes;
  /** What is derived of the entities that are not here is nothing. */
  readonly derived?: ReadonlyMap<AnyEntity, Derived<never>>;
}

// biome-ignore lint/suspicious/noExplicitAny: MikroORM's names of entities do not vary with their entity
export type AnyEntity = EntityName<any>;
