import "reflect-metadata";
import type { AddressInfo } from "node:net";
import { Inject, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import {
  CommandBus,
  CommandHandler,
  CqrsModule,
  type ICommandHandler,
  type IQueryHandler,
  QueryBus,
  QueryHandler,
} from "@nestjs/cqrs";
import { Args, GraphQLModule, Mutation, Query, ResolveField, Resolver } from "@nestjs/graphql";
import { MercuriusDriver, type MercuriusDriverConfig } from "@nestjs/mercurius";
import { FastifyAdapter, type NestFastifyApplication } from "@nestjs/platform-fastify";
import { Redis } from "ioredis";
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
 * NestJS with its own CQRS module, schema first, on Fastify and Mercurius with the just-in-time compiler.
 *
 * Node strips types but runs no decorators, so they stand below each class as the calls that a compiler makes of them.
 */

class GetBook {
  readonly title: string;

  constructor(title: string) {
    this.title = title;
  }
}

class GetBookHandler implements IQueryHandler<GetBook, Book | null> {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async execute({ title }: GetBook): Promise<Book | null> {
    const json = await this.#redis.get(bookKey(title));
    return json === null ? null : JSON.parse(json);
  }
}
QueryHandler(GetBook)(GetBookHandler);
Inject(Redis)(GetBookHandler, undefined, 0);

class GetBooks {}

class GetBooksHandler implements IQueryHandler<GetBooks, Book[]> {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async execute(): Promise<Book[]> {
    return JSON.parse((await this.#redis.get(listKey)) ?? "[]");
  }
}
QueryHandler(GetBooks)(GetBooksHandler);
Inject(Redis)(GetBooksHandler, undefined, 0);

class UpdateBook {
  readonly title: string;
  readonly stockQuantity: number;

  constructor(title: string, stockQuantity: number) {
    this.title = title;
    this.stockQuantity = stockQuantity;
  }
}

class UpdateBookHandler implements ICommandHandler<UpdateBook> {
  readonly #table: BookTable;
  readonly #redis: Redis;

  constructor(table: BookTable, redis: Redis) {
    this.#table = table;
    this.#redis = redis;
  }

  async execute({ title, stockQuantity }: UpdateBook) {
    const updated = this.#table.setStock(title, stockQuantity);
    if (!updated) return bookNotFound(title);
    await this.#redis.set(bookKey(title), JSON.stringify(updated));
    return updated;
  }
}
CommandHandler(UpdateBook)(UpdateBookHandler);
Inject(BookTable)(UpdateBookHandler, undefined, 0);
Inject(Redis)(UpdateBookHandler, undefined, 1);

class BookResolver {
  readonly #queries: QueryBus;
  readonly #commands: CommandBus;

  constructor(queries: QueryBus, commands: CommandBus) {
    this.#queries = queries;
    this.#commands = commands;
  }

  book(title: string) {
    return this.#queries.execute(new GetBook(title));
  }

  books() {
    return this.#queries.execute(new GetBooks());
  }

  updateBook(title: string, input: UpdateBookArguments["input"]) {
    return this.#commands.execute(new UpdateBook(title, input.stockQuantity));
  }
}
Resolver("Book")(BookResolver);
Inject(QueryBus)(BookResolver, undefined, 0);
Inject(CommandBus)(BookResolver, undefined, 1);
decorateMethod(BookResolver, "book", Query("book"));
Args("title")(BookResolver.prototype, "book", 0);
decorateMethod(BookResolver, "books", Query("books"));
decorateMethod(BookResolver, "updateBook", Mutation("updateBook"));
Args("title")(BookResolver.prototype, "updateBook", 0);
Args("input")(BookResolver.prototype, "updateBook", 1);

class UpdateBookResultResolver {
  resolveType(value: object): string {
    return "message" in value ? "BookNotFoundError" : "Book";
  }
}
Resolver("UpdateBookResult")(UpdateBookResultResolver);
decorateMethod(UpdateBookResultResolver, "resolveType", ResolveField("__resolveType"));

class AppModule {}
Module({
  imports: [
    CqrsModule.forRoot(),
    GraphQLModule.forRoot<MercuriusDriverConfig>({ driver: MercuriusDriver, typeDefs: SCHEMA, jit: 1 }),
  ],
  providers: [
    { provide: Redis, useFactory: connectToRedis },
    BookTable,
    GetBookHandler,
    GetBooksHandler,
    UpdateBookHandler,
    BookResolver,
    UpdateBookResultResolver,
  ],
})(AppModule);

function decorateMethod(type: { prototype: object }, name: string, decorator: MethodDecorator): void {
  const descriptor = Object.getOwnPropertyDescriptor(type.prototype, name) as PropertyDescriptor;
  decorator(type.prototype, name, descriptor);
}

const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), {
  logger: ["warn", "error", "fatal"],
});
await app.listen(0, "127.0.0.1");
ready((app.getHttpServer().address() as AddressInfo).port);
