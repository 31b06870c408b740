import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { defineEntity, type InferEntity, MikroORM } from "@mikro-orm/sqlite";
import SchemaBuilder from "@pothos/core";
import { createYoga } from "graphql-yoga";
import { Redis } from "ioredis";
import { bookKey, listKey, ready } from "./support.ts";

/**
 * The service's own libraries, in the same versions, put together naively: the defaults of each, Redis as a cache aside.
 * It is what a first version looks like.
 */
const BookEntity = defineEntity({
  name: "Book",
  tableName: "book",
  properties: (p) => ({
    id: p.integer().primary(),
    title: p.text().unique(),
    author: p.text(),
    publishedDate: p.text().nullable(),
    isbn: p.text().nullable(),
    stockQuantity: p.integer(),
    version: p.integer(),
  }),
});

type Book = InferEntity<typeof BookEntity>;

const redis = new Redis(process.env.REDIS_URL as string);
const orm = await MikroORM.init({ entities: [BookEntity], dbName: process.env.DATABASE_FILE as string });
// as safe as everyone's; the file is in WAL mode already
await orm.em.getConnection().execute("pragma synchronous = full");

const builder = new SchemaBuilder<{ DefaultFieldNullability: false }>({ defaultFieldNullability: false });

const BookType = builder.objectRef<Book>("Book").implement({
  fields: (t) => ({
    title: t.exposeString("title"),
    author: t.exposeString("author"),
    publishedDate: t.exposeString("publishedDate", { nullable: true }),
    isbn: t.exposeString("isbn", { nullable: true }),
    stockQuantity: t.exposeInt("stockQuantity"),
    version: t.exposeInt("version"),
  }),
});

const BookNotFoundError = builder.objectRef<{ message: string; title: string }>("BookNotFoundError").implement({
  fields: (t) => ({ message: t.exposeString("message"), title: t.exposeString("title") }),
});

const UpdateBookResult = builder.unionType("UpdateBookResult", {
  types: [BookType, BookNotFoundError],
  resolveType: (value) => ("message" in value ? BookNotFoundError : BookType),
});

const UpdateBookInput = builder.inputType("UpdateBookInput", {
  fields: (t) => ({ stockQuantity: t.int({ required: true }) }),
});

builder.queryType({
  fields: (t) => ({
    book: t.field({
      type: BookType,
      nullable: true,
      args: { title: t.arg.string({ required: true }) },
      resolve: async (_, { title }): Promise<Book | null> => {
        const cached = await redis.get(bookKey(title));
        if (cached !== null) return JSON.parse(cached);
        const book = await orm.em.fork().findOne(BookEntity, { title });
        if (book) await redis.set(bookKey(title), JSON.stringify(book));
        return book;
      },
    }),
    books: t.field({
      type: [BookType],
      resolve: async (): Promise<Book[]> => {
        const cached = await redis.get(listKey);
        if (cached !== null) return JSON.parse(cached);
        const books = await orm.em.fork().findAll(BookEntity, { orderBy: { title: "asc" } });
        await redis.set(listKey, JSON.stringify(books));
        return books;
      },
    }),
  }),
});

builder.mutationType({
  fields: (t) => ({
    updateBook: t.field({
      type: UpdateBookResult,
      args: { title: t.arg.string({ required: true }), input: t.arg({ type: UpdateBookInput, required: true }) },
      resolve: async (_, { title, input }) => {
        const em = orm.em.fork();
        const book = await em.findOne(BookEntity, { title });
        if (!book) return { message: `There is no book with the title “${title}”.`, title };
        book.stockQuantity = input.stockQuantity;
        book.version++;
        await em.flush();
        await redis.set(bookKey(title), JSON.stringify(book));
        return book;
      },
    }),
  }),
});

const server = createServer(createYoga({ schema: builder.toSchema() }));
server.listen(0, "127.0.0.1", () => ready((server.address() as AddressInfo).port));
