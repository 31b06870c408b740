import { Worker } from "node:worker_threads";
import { defineEntity, type RequiredEntityData } from "@mikro-orm/core";
import { expect, onTestFinished, test, vi } from "vitest";
import { StreamWriter } from "../../src/cqrs/commands/stream-writer.ts";
import { Consistency } from "../../src/cqrs/consistency.ts";
import type { Value } from "../../src/cqrs/database/entity-table.ts";
import type { Instance } from "../../src/cqrs/database/instance-mapper.ts";
import { createStream, kernelMigrations, logWho } from "../../src/cqrs/database/migrations.ts";
import { OrmService } from "../../src/cqrs/database/orm-service.ts";
import { Derivation } from "../../src/cqrs/derivation.ts";
import type { Lists } from "../../src/cqrs/queries/large-lists.ts";
import type { Answer, Reads } from "../../src/cqrs/queries/reads.ts";
import { TableReads } from "../../src/cqrs/queries/table-reads.ts";
import { engine, newDatabase } from "../support/database/database.ts";
import { EveryType, openEveryType, PROPERTIES, TYPES } from "../support/database/every-type.ts";
import { decisions } from "../support/database/every-type-decisions.ts";
import { startRedis } from "../support/redis/server.ts";
import { eventually } from "../support/wait.ts";

const TIME = "2001-02-03T04:05:06.789Z";
const UUID = "0b6b8c2e-5f5e-4c3a-9d0a-1f2e3d4c5b6a";
const TEXTS = ["", " a ", "b,c", 'd"e\\', "NULL", "{f}", "\n", "🙂"];

/** What is written, and what it is in an instance. */
const CASES: Readonly<Record<string, { readonly values: Record<string, unknown>; readonly read: object }>> = {
  "as MikroORM has them": {
    values: {
      ...{
        string: "a",
        trimmed: " a ",
        text: "🙂\n",
        character: "abc",
        uuid: UUID,
        isBoolean: true,
        date: "2001-02-03",
      },
      ...{ dateTime: new Date(TIME), bareTime: new Date(TIME), time: "04:05:06", integer: 2147483647, smallInt: 32767 },
      ...{ tinyInt: 127, mediumInt: 8388607, bigInt: 9223372036854775807n, bigIntNumber: Number.MAX_SAFE_INTEGER },
      ...{
        bigIntString: "-9223372036854775808",
        float: 1.5,
        double: 0.1,
        decimal: "1234567890.10",
        decimalNumber: 12.5,
      },
      ...{ enumOfTexts: "good", enumOfNumbers: 2, enumArray: ["good", "bad"], array: TEXTS, integerArray: [1, -2] },
      ...{ timeArray: [new Date(TIME)], json: { a: [1, "2", null, { b: true }], c: TEXTS }, unknown: "u" },
      ...{ blob: Buffer.from([0, 255, 1]), bytes: new Uint8Array([0, 255, 1]) },
    },
    read: {
      ...{ string: "a", trimmed: "a", text: "🙂\n", character: "abc", uuid: UUID, isBoolean: true, date: "2001-02-03" },
      ...{ dateTime: TIME, bareTime: TIME, time: "04:05:06", integer: 2147483647, smallInt: 32767, tinyInt: 127 },
      ...{ mediumInt: 8388607, bigInt: "9223372036854775807", bigIntNumber: Number.MAX_SAFE_INTEGER },
      ...{
        bigIntString: "-9223372036854775808",
        float: 1.5,
        double: 0.1,
        decimal: "1234567890.10",
        decimalNumber: 12.5,
      },
      ...{ enumOfTexts: "good", enumOfNumbers: 2, enumArray: ["good", "bad"], array: TEXTS, integerArray: [1, -2] },
      ...{ timeArray: [TIME], json: { a: [1, "2", null, { b: true }], c: TEXTS }, unknown: "u" },
      ...{ blob: "AP8B", bytes: "AP8B" },
    },
  },
  "as instances have them": {
    values: {
      ...{ uuid: UUID.toUpperCase(), isBoolean: false, dateTime: TIME, bareTime: TIME, bigInt: "9007199254740993" },
      ...{ decimal: "-0.5", decimalNumber: 0, double: -1e-9, blob: "AP8B", bytes: "", json: "a text", enumArray: [] },
      ...{ integer: -1, array: [], integerArray: [], timeArray: [], text: "", string: "12", unknown: "1" },
    },
    read: {
      ...{ uuid: UUID, isBoolean: false, dateTime: TIME, bareTime: TIME, bigInt: "9007199254740993" },
      ...{ decimal: "-0.50", decimalNumber: 0, double: -1e-9, blob: "AP8B", bytes: "", json: "a text", enumArray: [] },
      ...{ integer: -1, array: [], integerArray: [], timeArray: [], text: "", string: "12", unknown: "1" },
    },
  },
  "JSON of every kind: a number": { values: { json: 5, array: [""] }, read: { json: 5, array: [""] } },
  "JSON of every kind: a text of digits": { values: { json: "5" }, read: { json: "5" } },
  "JSON of every kind: a text of JSON": { values: { json: "[1]" }, read: { json: "[1]" } },
  "JSON of every kind: false": { values: { json: false }, read: { json: false } },
  "JSON of every kind: a list": { values: { json: [[], {}] }, read: { json: [[], {}] } },
};

const NULLS = Object.fromEntries(PROPERTIES.map((property) => [property, null]));
const LIMITS = { rows: 100, bytes: 1_000_000 };
const PAGE = { limit: 100, backwards: false, withTotal: true };

/** Values that may be of any column. */
const written = (values: object) => values as RequiredEntityData<EveryType>;

type Question<V> = (reads: Reads<Instance<EveryType>>, large: Lists) => Promise<Answer<V>>;

test.each(Object.entries(CASES))("an instance is the same from everywhere: %s", async (key, { values, read }) => {
  const redis = await startRedis();
  const { url } = await newDatabase();
  const { orm, aggregate, stream } = await openEveryType(url, redis.url);
  const withoutRedis = await openEveryType(url);

  let expectedId = 1;
  const check = (where: string, ...found: readonly unknown[]) => {
    for (const one of found) {
      const { id, ...rest } = one as Instance<EveryType>;
      expect(id, where).toBe(expectedId);
      expect(rest, where).toStrictEqual({ key, ...NULLS, ...read });
      // and its JSON says the same
      expect(JSON.parse(JSON.stringify(one)), where).toEqual({ id, ...rest });
    }
  };
  const ask = async <V>({ reader }: typeof aggregate, servedBy: string, question: Question<V>): Promise<V> => {
    const answers: V[] = [];
    await eventually(`an answer from ${servedBy}`, async () => {
      const consistency = new Consistency(["every"]);
      answers.push(await reader.read(consistency, question));
      return consistency.report?.servedBy === servedBy;
    });
    return answers.at(-1) as V;
  };
  const checkReads = async (where: string, from: typeof aggregate, servedBy: string) => {
    const one = await ask(from, servedBy, (reads) => reads.get(key));
    const all = await ask(from, servedBy, (reads, large) => reads.all(LIMITS, large));
    const page = await ask(from, servedBy, (reads, large) => reads.page(PAGE, large));
    expect([all, page.rows], where).toEqual([[one], [one]]);
    check(where, one, ...all, ...page.rows);
  };

  // once Redis has answered, it gets the row by the refresh
  await ask(aggregate, "redis", (reads) => reads.get(key));
  const created = await orm.create(EveryType, written({ key, ...values }));
  expect(created).toBeInstanceOf(EveryType);
  check("create", created);
  await orm.delete(EveryType, 1);
  expectedId = 2;
  const put = (instance: object) =>
    aggregate.commands.execute({ kind: "put", instance: { key, ...instance } }, new Consistency(["every"]));
  check("an instance that is added", (await put(read)).change?.after);
  // what is found is what was added
  const { change } = await put(read);
  check("an instance that is changed", change?.before, change?.after);
  check("get", await orm.get(EveryType, 2), await orm.get(EveryType, key, "key"));
  check("all", ...(await orm.all(EveryType)));
  check("update", await orm.update(EveryType, 2, "id", values as never, true));
  check("the change log", ...(await stream.changesAfter(0, 10)).map(({ after }) => after));
  await checkReads("the table", withoutRedis.aggregate, "database");
  await checkReads("Redis after a refresh", aggregate, "redis");

  await redis.client.flushall();
  await checkReads("Redis after a rebuild", aggregate, "redis");
});

test("every type that MikroORM has is tried, or is none for both engines or for one column", () => {
  const tried = Object.keys(CASES["as MikroORM has them"]?.read ?? {});
  expect(tried.sort()).toEqual(Object.keys(NULLS).sort());
  const elsewhere = ["interval", "formula", "embedded", "manyToMany", "manyToOne", "oneToMany", "oneToOne"];
  // of a type of one's own, and of what `enum().array()` makes
  elsewhere.push("type", "enumArray");
  expect(Object.keys(defineEntity.properties).sort()).toEqual([...TYPES, ...elsewhere].sort());
});

const timed = defineEntity({
  name: "Timed",
  tableName: "timed",
  properties: (p) => ({
    id: p.integer().primary().autoincrement(),
    key: p.text().unique(),
    isGood: p.boolean().nullable(),
    takenAt: p.datetime().nullable(),
    size: p.double(),
  }),
});
class TimedEntity extends timed.class {}
timed.setClass(TimedEntity);

test("what the writing thread maps without MikroORM is as MikroORM has it", async () => {
  const migration = {
    name: "timed-1-create",
    compatible: true,
    up: (ddl: { identity: string; text: string }) => [
      `create table timed (id ${ddl.identity}, key ${ddl.text} not null unique, is_good boolean,
        taken_at ${engine === "sqlite" ? "datetime" : "timestamptz"}, size double precision not null)`,
      ...createStream("timed", "timed_change"),
      ...logWho("timed_change"),
    ],
  };
  const options = { entities: [TimedEntity], migrations: [...kernelMigrations, migration] };
  const orm = await new OrmService(options).init((await newDatabase()).url);
  onTestFinished(() => orm.close());
  const { postMessage } = Worker.prototype;
  const sent = vi.spyOn(Worker.prototype, "postMessage").mockImplementation(function (this: Worker, message) {
    return postMessage.call(this, message);
  });
  onTestFinished(() => sent.mockRestore());
  const writer = new StreamWriter(orm, {
    ...{ name: "timed", entity: TimedEntity, key: "key" as never, changes: "timed_change" },
    ...{ format: { version: 1, complete: (logged: object) => logged }, decisions: decisions as never },
  });
  const put = async (instance: { key: string }) => {
    const { outcomes } = await writer.commit([{ command: { kind: "put", instance }, atLeast: 0 }]);
    return outcomes[0]?.change as { before: object | null; after: object } | undefined;
  };
  const whole = { key: "a", isGood: true, takenAt: TIME, size: 0.5 };
  const changed = { key: "a", isGood: false, takenAt: "2001-02-03T04:05:06.000Z", size: 2 };
  expect((await put(whole))?.after).toEqual({ id: 1, ...whole });
  expect({ ...(await orm.get(TimedEntity, 1)) }).toEqual({ id: 1, ...whole });
  expect(await put(changed)).toMatchObject({ before: { id: 1, ...whole }, after: { id: 1, ...changed } });
  expect({ ...(await orm.get(TimedEntity, 1)) }).toEqual({ id: 1, ...changed });
  const none = { key: "b", isGood: null, takenAt: null, size: -1 };
  const added = await put(none);
  expect(added?.after).toMatchObject(none);
  expect({ ...(await orm.get(TimedEntity, "b", "key")) }).toEqual(added?.after);
  expect((await put(none))?.before).toEqual(added?.after);
  expect(sent.mock.calls.length > 0).toBe(engine === "sqlite");
});

const odd = defineEntity({
  name: "Odd",
  tableName: "odd",
  properties: (p) => ({ id: p.integer().primary(), lasts: p.interval() }),
});

test("a type that no instance can hold is refused by name", async () => {
  const orm = await new OrmService({ entities: [odd], migrations: [] }).init((await newDatabase()).url);
  onTestFinished(() => orm.close());
  await expect(orm.all(odd)).rejects.toThrow(/^Odd\.lasts is no scalar/);
});

test("a row is found by a value in either form", async () => {
  const { orm, stream } = await openEveryType((await newDatabase()).url);
  const table = new TableReads(orm, stream, new Derivation(orm, stream.definition));
  const values = { dateTime: new Date(TIME), bigInt: 9007199254740993n, uuid: UUID, isBoolean: true, decimal: "12.50" };
  await orm.create(EveryType, written({ key: "a", ...values }));
  await orm.create(
    EveryType,
    written({ key: "b", dateTime: "1970-01-01", bigInt: "9007199254740992", isBoolean: false }),
  );
  const forms: [keyof EveryType & string, Value][] = [
    ["dateTime", new Date(TIME)],
    ["dateTime", TIME],
    ["bigInt", 9007199254740993n],
    ["bigInt", "9007199254740993"],
    ["uuid", UUID.toUpperCase()],
    ["isBoolean", true],
    ["decimal", "12.5"],
  ];
  for (const [property, value] of forms) {
    expect(await orm.get(EveryType, value, property), property).toMatchObject({ key: "a" });
    expect((await table.where(property, [value])).value, property).toEqual([expect.objectContaining({ key: "a" })]);
    expect(await orm.update(EveryType, value, property, { text: "found" }), property).toBe(1);
  }
  expect(await orm.delete(EveryType, new Date(TIME), "dateTime")).toBe(1);
});

test("what JSON or an engine cannot hold is refused by name, wherever in a value it stands", async () => {
  const { orm } = await openEveryType((await newDatabase()).url);
  const bad = [{ json: { a: ["\0"] } }, { json: { "\ud800": 1 } }, { json: [Number.NaN] }, { array: ["a\0"] }];
  const worse = [{ double: Number.POSITIVE_INFINITY }, { dateTime: new Date(Number.NaN) }, { dateTime: "yesterday" }];
  for (const [i, values] of [...bad, ...worse].entries()) {
    const created = orm.create(EveryType, written({ key: `${i}`, ...values }));
    await expect(created).rejects.toThrow(new RegExp(`^${Object.keys(values)} (holds|must be)`));
  }
  expect(await orm.all(EveryType)).toEqual([]);
});
