import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkoutWithFields, documentedField, optionalField } from "../support/checkout/added-field.ts";
import { newDatabase } from "../support/database/database.ts";
import { sqlOn } from "../support/database/sql.ts";
import { writeFixture } from "../support/import/csv-files.ts";
import { startRedis } from "../support/redis/server.ts";
import type { GraphqlClient } from "../support/service/graphql-client.ts";
import { spawnProgram } from "../support/service/program.ts";
import { startService } from "../support/service/service.ts";
import { startProcess } from "../support/service/service-process.ts";
import { eventually } from "../support/wait.ts";

const RESULT = `{ __typename ... on Book { edition publisher version }
  ... on ValidationError { fieldErrors { field message } } }`;

/** Asks for what this checkout's schema does not have, and returns the answer's only field. */
async function ask(service: GraphqlClient, query: string, variables: Record<string, unknown> = {}) {
  const { data, errors, consistency } = await service.sendInvalid(query, { variables });
  expect(errors, query).toBeUndefined();
  return { answer: Object.values(data)[0], servedBy: consistency.servedBy } as { answer: never; servedBy: string };
}

test("the fields are in the table, the log, Redis, the API, the form and the import", async () => {
  const redis = await startRedis();
  const { url: DATABASE_URL } = await newDatabase();
  const env = { DATABASE_URL, REDIS_URL: redis.url };
  const before = await startService({ DATABASE_URL });
  await before.addBook("There Before");
  await before.close();

  const checkout = checkoutWithFields(documentedField, optionalField);
  const service = await startProcess(env, join(checkout, "src/main.ts"));
  const add = async (input: object) =>
    (
      await ask(service, `mutation ($input: AddBookInput!) { addBook(input: $input) ${RESULT} }`, {
        input: { author: "Author Name", ...input },
      })
    ).answer;
  const update = async (title: string, input: object) =>
    (
      await ask(
        service,
        `mutation ($title: String!, $input: UpdateBookInput!) { updateBook(title: $title, input: $input) ${RESULT} }`,
        { title, input },
      )
    ).answer;
  const fromRedis = (title: string) =>
    eventually("Redis answers", async () => {
      const { answer, servedBy } = await ask(
        service,
        "query ($title: String!) { book(title: $title) { edition publisher version } }",
        { title },
      );
      return servedBy === "redis" && answer;
    });

  expect(await fromRedis("There Before")).toEqual({ edition: 1, publisher: null, version: 1 });
  expect(await add({ title: "With", edition: 3, publisher: " A House " })).toMatchObject({
    ...{ edition: 3, publisher: "A House" },
  });
  expect(await add({ title: "Without" })).toMatchObject({ edition: 1, publisher: null });
  expect(await add({ title: "Null", edition: null, publisher: null })).toMatchObject({ edition: 1, publisher: null });
  expect(await add({ title: "Bad", edition: 0, publisher: "" })).toMatchObject({
    __typename: "ValidationError",
    fieldErrors: [
      { field: "publisher", message: "must not be empty" },
      { field: "edition", message: "must be at least 1" },
    ],
  });

  expect(await update("With", { stockQuantity: 1 })).toMatchObject({ edition: 3, publisher: "A House", version: 5 });
  expect(await update("With", { edition: null })).toMatchObject({ __typename: "ValidationError" });
  expect(await update("With", { edition: 4, publisher: null })).toMatchObject({ edition: 4, publisher: null });
  expect(await update("Without", { publisher: "Another" })).toMatchObject({ edition: 1, publisher: "Another" });
  expect(await fromRedis("With")).toEqual({ edition: 4, publisher: null, version: 6 });
  expect(await fromRedis("Without")).toEqual({ edition: 1, publisher: "Another", version: 7 });

  expect(await sqlOn(DATABASE_URL, "select title, edition, publisher from book order by id")).toEqual([
    { title: "There Before", edition: 1, publisher: null },
    { title: "With", edition: 4, publisher: null },
    { title: "Without", edition: 1, publisher: "Another" },
    { title: "Null", edition: 1, publisher: null },
  ]);
  const [logged] = await sqlOn(DATABASE_URL, "select before, after from book_change where revision = 6");
  expect(JSON.parse(logged.before)).toMatchObject({ edition: 3, publisher: "A House" });
  expect(JSON.parse(logged.after)).toMatchObject({ edition: 4, publisher: null });
  const [{ read_model: name }] = await sqlOn(DATABASE_URL, "select read_model from stream where name = 'books'");
  expect(name).toMatch(/^2\.5-/);
  const stored = await redis.client.hget(`{books:${name}}:rows`, "With");
  expect(JSON.parse(stored ?? "")).toMatchObject({ title: "With", edition: 4, publisher: null });

  const form = await ask(
    service,
    `{ bookEditForm(title: "With") { formData jsonSchema fields { name label inputType value required min max maxLength } } }`,
  );
  expect(form.answer).toMatchObject({
    formData: { edition: 4, publisher: null },
    jsonSchema: { properties: { edition: { maximum: 1000 }, publisher: { type: ["string", "null"] } } },
    fields: expect.arrayContaining([
      {
        name: "edition",
        label: "Edition",
        inputType: "number",
        value: "4",
        required: true,
        min: 1,
        max: 1000,
        maxLength: null,
      },
      {
        name: "publisher",
        label: "Publisher",
        inputType: "text",
        value: null,
        required: false,
        min: null,
        max: null,
        maxLength: 512,
      },
    ]),
  });

  const file = writeFixture(
    "books.csv",
    "title,author,Edition,publisher\nImported,A,5.0,The Press\nAlso,A,,\nWith,Author Name,4,\nRefused,A,none,",
  );
  const run = spawnProgram(join(checkout, "src/import.ts"), [file], env);
  await once(run.child, "close");
  expect(run.stdout()).toMatch(/^added: 2\nunchanged: 1\nrejected: 1 /m);
  expect(await fromRedis("Imported")).toEqual({ edition: 5, publisher: "The Press", version: 8 });
  expect(await fromRedis("Also")).toEqual({ edition: 1, publisher: null, version: 9 });
});
