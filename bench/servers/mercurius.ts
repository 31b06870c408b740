import type { AddressInfo } from "node:net";
import Fastify from "fastify";
import mercurius from "mercurius";
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

/**
 * Mercurius with its just-in-time compiler, reading from Redis; without `REDIS_URL`, from SQLite. It caches parsed,
 * validated and compiled queries by itself.
 */
const redis = process.env.REDIS_URL ? connectToRedis() : undefined;
const table = new BookTable();

async function book(title: string): Promise<Book | null> {
  if (!redis) return table.find(title) ?? null;
  const json = await redis.get(bookKey(title));
  return json === null ? null : JSON.parse(json);
}

async function books(): Promise<Book[]> {
  return JSON.parse((await redis?.get(listKey)) ?? "[]");
}

async function updateBook({ title, input }: UpdateBookArguments) {
  const updated = table.setStock(title, input.stockQuantity);
  if (!updated) return bookNotFound(title);
  await redis?.set(bookKey(title), JSON.stringify(updated));
  return updated;
}

const app = Fastify();
app.register(mercurius, {
  schema: SCHEMA,
  resolvers: {
    Query: {
      book: (_: unknown, { title }: { title: string }) => book(title),
      books,
    },
    Mutation: {
      updateBook: (_: unknown, updateArguments: UpdateBookArguments) => updateBook(updateArguments),
    },
    UpdateBookResult: {
      resolveType: (value: object) => ("message" in value ? "BookNotFoundError" : "Book"),
    },
  },
  jit: 1,
});

await app.listen({ port: 0, host: "127.0.0.1" });
ready((app.server.address() as AddressInfo).port);
