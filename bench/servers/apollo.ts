import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import {
  type Book,
  BookTable,
  bookKey,
  bookNotFound,
  connectToRedis,
  listKey,
  ready,
  SCHEMA,
  type UpdateBookArguments,
} from "./support.ts";

/** Apollo Server with its own HTTP server, reading from Redis. It caches parsed and validated queries by itself. */
const redis = connectToRedis();
const table = new BookTable();

const server = new ApolloServer({
  typeDefs: SCHEMA,
  resolvers: {
    Query: {
      book: async (_: unknown, { title }: { title: string }): Promise<Book | null> => {
        const json = await redis.get(bookKey(title));
        return json === null ? null : JSON.parse(json);
      },
      books: async (): Promise<Book[]> => JSON.parse((await redis.get(listKey)) ?? "[]"),
    },
    Mutation: {
      updateBook: async (_: unknown, { title, input }: UpdateBookArguments) => {
        const updated = table.setStock(title, input.stockQuantity);
        if (!updated) return bookNotFound(title);
        await redis.set(bookKey(title), JSON.stringify(updated));
        return updated;
      },
    },
    UpdateBookResult: {
      __resolveType: (value: object) => ("message" in value ? "BookNotFoundError" : "Book"),
    },
  },
});

const { url } = await startStandaloneServer(server, { listen: { port: 0, host: "127.0.0.1" } });
ready(Number(new URL(url).port));
