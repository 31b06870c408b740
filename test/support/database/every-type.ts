import { defineEntity } from "@mikro-orm/core";
import { pino } from "pino";
import { openAggregate, type Stores } from "../../../src/cqrs/aggregate.ts";
import type { Instance } from "../../../src/cqrs/database/instance-mapper.ts";
import { createStream, kernelMigrations, logWho, type SchemaMigration } from "../../../src/cqrs/database/migrations.ts";
import { OrmService } from "../../../src/cqrs/database/orm-service.ts";
import { LargeLists } from "../../../src/cqrs/queries/large-lists.ts";
import { ReadModel } from "../../../src/cqrs/queries/read-model.ts";
import { RedisService } from "../../../src/cqrs/redis/redis-service.ts";
import { Stream, type StreamDefinition } from "../../../src/cqrs/stream.ts";
import { onFinished } from "../cleanup.ts";
import { engine } from "./database.ts";
import { decisions } from "./every-type-decisions.ts";

const schema = defineEntity({
  name: "EveryType",
  tableName: "every_type",
  properties: (p) => ({
    id: p.integer().primary().autoincrement(),
    key: p.text().unique(),
    string: p.string().length(20).nullable(),
    trimmed: p.string().trim().nullable(),
    text: p.text().nullable(),
    character: p.character().length(5).nullable(),
    uuid: p.uuid().nullable(),
    isBoolean: p.boolean().nullable(),
    date: p.date().nullable(),
    dateTime: p.datetime().nullable(),
    bareTime: p.datetime().columnType("timestamp").nullable(),
    time: p.time().nullable(),
    integer: p.integer().nullable(),
    smallInt: p.smallint().nullable(),
    tinyInt: p.tinyint().nullable(),
    mediumInt: p.mediumint().nullable(),
    bigInt: p.bigint().nullable(),
    bigIntNumber: p.bigint("number").nullable(),
    bigIntString: p.bigint("string").nullable(),
    float: p.float().nullable(),
    double: p.double().nullable(),
    decimal: p.decimal().precision(12).scale(2).nullable(),
    decimalNumber: p.decimal("number").precision(12).scale(2).nullable(),
    enumOfTexts: p.enum(["good", "bad"]).nullable(),
    enumOfNumbers: p.enum([1, 2]).nullable(),
    enumArray: p.enum(["good", "bad"]).array().nullable(),
    array: p.array().nullable(),
    integerArray: p.integer().array().nullable(),
    timeArray: p.datetime().array().nullable(),
    json: p.json<unknown>().nullable(),
    blob: p.blob().nullable(),
    bytes: p.uint8array().nullable(),
    unknown: p.unknown().columnType("text").nullable(),
  }),
});

/** An entity with a column of every type that MikroORM offers for both engines. */
export class EveryType extends schema.class {}
schema.setClass(EveryType);

/** As MikroORM declares them: on SQLite, on PostgreSQL. */
const COLUMNS: Readonly<Record<string, readonly [string, string]>> = {
  string: ["text", "varchar(20)"],
  trimmed: ["text", "varchar(255)"],
  text: ["text", "text"],
  character: ["text", "char(5)"],
  uuid: ["text", "uuid"],
  is_boolean: ["integer", "boolean"],
  date: ["date", "date"],
  date_time: ["datetime", "timestamptz"],
  bare_time: ["datetime", "timestamp"],
  time: ["time", "time(0)"],
  integer: ["integer", "int"],
  small_int: ["integer", "smallint"],
  tiny_int: ["integer", "smallint"],
  medium_int: ["mediumint", "int"],
  big_int: ["bigint", "bigint"],
  big_int_number: ["bigint", "bigint"],
  big_int_string: ["bigint", "bigint"],
  float: ["real", "real"],
  double: ["double", "double precision"],
  decimal: ["numeric(12,2)", "numeric(12,2)"],
  decimal_number: ["numeric(12,2)", "numeric(12,2)"],
  enum_of_texts: ["text", "text"],
  enum_of_numbers: ["integer", "smallint"],
  enum_array: ["text", "text[]"],
  array: ["text", "text[]"],
  integer_array: ["text", "int[]"],
  time_array: ["text", "timestamptz[]"],
  json: ["json", "jsonb"],
  blob: ["blob", "bytea"],
  bytes: ["blob", "bytea"],
  unknown: ["text", "text"],
};

/** The properties that may be null. */
export const PROPERTIES = Object.keys(schema.meta.properties).filter((name) => name !== "id" && name !== "key");

/** MikroORM's names of the types that are tried. */
export const TYPES = [
  ...["string", "text", "character", "uuid", "boolean", "date", "datetime", "time", "integer", "smallint", "tinyint"],
  ...["mediumint", "bigint", "float", "double", "decimal", "enum", "array", "json", "blob", "uint8array", "unknown"],
];

const migrations: readonly SchemaMigration[] = [
  ...kernelMigrations,
  {
    name: "every-type-1-create",
    compatible: true,
    up: (ddl) => [
      `create table every_type (id ${ddl.identity}, key ${ddl.text} not null unique, ${Object.entries(COLUMNS)
        .map(([column, [onSqlite, onPostgres]]) => `"${column}" ${engine === "sqlite" ? onSqlite : onPostgres}`)
        .join(", ")})`,
      ...createStream("every", "every_change"),
      ...logWho("every_change"),
    ],
  },
];

const definition: StreamDefinition<Instance<EveryType>> = {
  name: "every",
  entity: EveryType,
  key: "key",
  changes: "every_change",
  format: { version: 1, complete: (logged) => logged },
  decisions: decisions as never,
};

/** The aggregate of these, over this database and Redis. It ends with the test. */
export async function openEveryType(database: string, redisUrl?: string) {
  const log = pino({ level: "silent" });
  const orm = await new OrmService({ entities: [EveryType], migrations }).init(database);
  const redis = new RedisService({ url: redisUrl, critical: false, timeoutMs: 1000, log });
  const stores: Stores = { orm, redis, large: new LargeLists(1_000_000), keepLogMs: undefined, log };
  const aggregate = openAggregate(definition, ReadModel<Instance<EveryType>>, stores);
  onFinished(async () => {
    await aggregate.stop();
    redis.close();
    await orm.close();
  });
  await Promise.all([aggregate.raiseLease(200), redis.start()]);
  await aggregate.start();
  return { orm, aggregate, stream: new Stream(orm, definition) };
}
