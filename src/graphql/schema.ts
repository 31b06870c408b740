import type { GraphQLSchema } from "graphql";
import { defineBookType } from "../books/book-type.ts";
import { defineBookMutations } from "../books/commands/book-mutations.ts";
import { defineBookQueries } from "../books/queries/book-queries.ts";
import { createBuilder } from "./builder.ts";
import { defineScalars } from "./scalars.ts";

/** The GraphQL schema. Resolvers find the handlers in the context, so it needs no database to be built or printed. */
export function buildSchema(): GraphQLSchema {
  const builder = createBuilder();
  builder.queryType({ description: "Everything that can be read." });
  builder.mutationType({ description: "Everything that can be changed." });
  defineScalars(builder);
  const book = defineBookType(builder);
  defineBookQueries(builder, book);
  defineBookMutations(builder, book);
  return builder.toSchema({ sortSchema: false });
}
