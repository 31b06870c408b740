import type { Config } from "./config.ts";
import type { Aggregate, ReadModelClass } from "./cqrs/aggregate.ts";
import { kernelMigrations, type SchemaMigration } from "./cqrs/database/migrations.ts";
import type { HandlerEntry } from "./cqrs/handlers.ts";
import type { StreamDefinition } from "./cqrs/stream.ts";
import type { SchemaModule } from "./graphql/schema.ts";
import type { GraphiqlTab } from "./http/graphiql.ts";
import type { Setting } from "./settings.ts";

/** One aggregate, as all that knows of it: `modules.ts` lists them, `app.ts` opens them. */
// biome-ignore lint/suspicious/noExplicitAny: one for each aggregate, whatever it is of
export interface Module<T extends object = any> extends SchemaModule {
  readonly stream: StreamDefinition<T>;
  /** They run in the order of the modules, after those of the kernel. */
  readonly migrations: readonly SchemaMigration[];
  /** The settings that are its own. */
  readonly settings: readonly Setting<unknown>[];
  readonly readModel: ReadModelClass<T>;
  /** Makes its handlers from the kernel's parts. */
  handlers(aggregate: Aggregate<T>, config: Config): readonly HandlerEntry[];
  /** The columns of its CSV export, which are those that its import takes. */
  readonly csvColumns: readonly (keyof T & string)[];
  /** What today's rules would refuse of an instance that is stored, a line each: others may have let it in. */
  faultsOf(instance: T): readonly string[];
  /** The requests that GraphiQL offers to somebody who is new. */
  readonly tabs: readonly GraphiqlTab[];
  /** Its names in the GraphQL schema that do not say whose they are: a copy of the module must change them. */
  readonly namesWithoutNoun: readonly string[];
}

/** All migrations, in the order in which they run. */
export function migrationsOf(modules: readonly Module[]): readonly SchemaMigration[] {
  return [...kernelMigrations, ...modules.flatMap(({ migrations }) => migrations)];
}
