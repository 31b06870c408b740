import type { GraphQLSchema } from "graphql";
import { defineBookType } from "../books/book-type.ts";
import { defineBookMutations } from "../books/commands/book-mutations.ts";
import { defineBookQueries } from "../books/queries/book-queries.ts";
import { createBuilder } from "./builder.ts";
import { resolveIdsAtOnce } from "./global-ids.ts";
import { defineScalars } from "./scalars.ts";

/** What the schema must know of the configuration. */
export interface SchemaSettings {
  /** The largest catalogue that `books` answers with. */
  readonly maxBooks: number;
}

/** The GraphQL schema. Resolvers find the handlers in the context, so it needs no database to be built or printed. */
export function buildSchema({ maxBooks }: SchemaSettings): GraphQLSchema {
  const builder = createBuilder();
  builder.queryType({ description: "Everything that can be read." });
  builder.mutationType({ description: "Everything that can be changed." });
  defineScalars(builder);
  const book = defineBookType(builder);
  defineBookQueries(builder, book, maxBooks);
  defineBookMutations(builder, book);
  return resolveIdsAtOnce(builder.toSchema({ sortSchema: false }));
}
