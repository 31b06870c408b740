import { defineEntity } from "@mikro-orm/core";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { Consistency } from "../../src/cqrs/consistency.ts";
import { Head } from "../../src/cqrs/head.ts";
import { LargeLists } from "../../src/cqrs/large-lists.ts";
import { createStream, kernelMigrations, type SchemaMigration } from "../../src/cqrs/migrations.ts";
import { OrmService } from "../../src/cqrs/orm-service.ts";
import { ReadModel } from "../../src/cqrs/read-model.ts";
import { Reader } from "../../src/cqrs/reader.ts";
import { RedisService } from "../../src/cqrs/redis-service.ts";
import { type Command, Stream, type StreamDefinition } from "../../src/cqrs/stream.ts";
import { TableReads } from "../../src/cqrs/table-reads.ts";
import { newDatabase } from "../support/database.ts";
import { startRedis } from "../support/redis.ts";
import { eventually } from "../support/wait.ts";

// A whole second aggregate on the kernel: what follows is what a copied folder would hold.

interface Author {
  readonly id: number;
  readonly name: string;
}

const schema = defineEntity({
  name: "Author",
  tableName: "author",
  properties: (p) => ({ id: p.integer().primary().autoincrement(), name: p.text().unique() }),
});
class AuthorEntity extends schema.class {}
schema.setClass(AuthorEntity);

const authorStream: StreamDefinition<Author> = {
  name: "authors",
  entity: AuthorEntity,
  key: "name",
  changes: "author_change",
};

const authorMigrations: readonly SchemaMigration[] = [
  {
    name: "authors-1-create-author",
    up: (ddl) => [
      `create table author (id ${ddl.identity}, name ${ddl.text} not null)`,
      "create unique index author_name_unique on author (name)",
      ...createStream("authors", "author_change"),
    ],
  },
];

function addAuthor(name: string): Command<Author> {
  return async (tx) => {
    const { id } = await tx.create(AuthorEntity, { name });
    return { kind: "add", before: null, after: { id, name } };
  };
}

async function startAuthors(databaseUrl: string, redisUrl: string) {
  const log = pino({ level: "silent" });
  const orm = await new OrmService({
    url: databaseUrl,
    entities: [AuthorEntity],
    migrations: [...kernelMigrations, ...authorMigrations],
  }).init();
  const redis = new RedisService({ url: redisUrl, critical: false, timeoutMs: 100, log });
  const stream = new Stream(orm, authorStream);
  const table = new TableReads(orm, stream);
  const head = new Head(stream, log);
  const readModel = new ReadModel(stream, table, head, redis, log);
  await Promise.all([stream.raiseLease(200), redis.start()]);
  await readModel.start();
  onTestFinished(async () => {
    await readModel.stop();
    redis.close();
    await orm.close();
  });
  return { stream, readModel, reader: new Reader(readModel, table, head, redis, new LargeLists(1_000_000)) };
}

test("a second aggregate gets commands, honest reads and a read model from the kernel", async () => {
  const redis = await startRedis();
  const { url } = await newDatabase();
  const one = await startAuthors(url, redis.url);
  const other = await startAuthors(url, redis.url);

  for (const name of ["Ursula K. Le Guin", "Stanisław Lem", "Ovid"]) {
    await one.readModel.refresh(await one.stream.commit([addAuthor(name)]));
    const found = await other.reader.read(new Consistency(), (reads) => reads.get(name));
    expect(found?.name).toBe(name);
  }
  await eventually("Redis answers", async () => {
    const consistency = new Consistency();
    const all = await other.reader.read(consistency, (reads, large) =>
      reads.all({ rows: 10, bytes: 1_000_000 }, large),
    );
    const names = ["Ovid", "Stanisław Lem", "Ursula K. Le Guin"];
    expect(all).toEqual(names.map((name) => expect.objectContaining({ name })));
    return consistency.report?.servedBy === "redis";
  });
});
