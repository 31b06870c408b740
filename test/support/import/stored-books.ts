import type { GraphqlClient } from "../service/graphql-client.ts";

/** Every book, by the fields that an import sets. */
export async function storedBooks(service: GraphqlClient): Promise<Record<string, unknown>[]> {
  const { data } = await service.ask("{ books { title author publishedDate isbn language coverUrl stockQuantity } }");
  return data.books;
}
