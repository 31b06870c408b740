import { describe, expect, test } from "vitest";
import { readGroundTruth } from "../../proof/torture/change-log.ts";
import { migratedDatabase } from "../support/database/migrated-database.ts";
import { manyBooks } from "../support/import/csv-files.ts";
import { outcome, startImport } from "../support/import/import-process.ts";
import { ADD_BOOK } from "../support/service/book-requests.ts";
import { type ServiceProcess, startProcess } from "../support/service/service-process.ts";
import { eventually } from "../support/wait.ts";

/** Clients that add books one after the other until they are stopped, or nobody answers any more. */
function load(service: ServiceProcess, clients: number, name = "") {
  let writing = true;
  const acknowledged: string[] = [];
  const codes: string[] = [];
  const write = async (_: unknown, client: number) => {
    for (let i = 0; writing; i++) {
      const title = `${name}${client}-${i}`;
      try {
        const { data, errors } = await service.send(ADD_BOOK, { variables: { input: { title, author: "A" } } });
        if (errors) codes.push(errors[0].extensions.code);
        else if (data.addBook.__typename === "Book") acknowledged.push(title);
        else codes.push(data.addBook.__typename);
      } catch {
        // no answer: the process is stopping, or is no more
        return;
      }
    }
  };
  const all = Promise.all(Array.from({ length: clients }).map(write));
  const stop = async () => {
    writing = false;
    await all;
  };
  return { acknowledged, codes, ended: all, stop };
}

/** Each change is one book more, each book one change, and what was acknowledged is among them. */
async function expectKept(url: string, acknowledged: readonly string[]): Promise<readonly string[]> {
  const { changes, books, revision } = await readGroundTruth(url);
  expect(changes.map((change) => change.revision)).toEqual(changes.map((_, i) => i + 1));
  expect(revision).toBe(changes.length);
  const stored = new Set(books.map(({ title }) => title));
  expect(stored.size).toBe(changes.length);
  expect(acknowledged.filter((title) => !stored.has(title))).toEqual([]);
  return [...stored];
}

describe("64 clients that write", () => {
  test("have all that was acknowledged when the process is killed, each time, and go on in the next", async () => {
    const { url: DATABASE_URL } = await migratedDatabase();
    const acknowledged: string[] = [];
    for (let kill = 0; kill < 2; kill++) {
      const service = await startProcess({ DATABASE_URL });
      const writers = load(service, 64, `${kill}/`);
      await eventually("writes are acknowledged", () => writers.acknowledged.length > 200);
      service.child.kill("SIGKILL");
      await writers.ended;
      expect(writers.codes).toEqual([]);
      acknowledged.push(...writers.acknowledged);
      await expectKept(DATABASE_URL, acknowledged);
    }
  });

  test("are all answered when the process is stopped, and nothing of it is lost", async () => {
    const { url: DATABASE_URL } = await migratedDatabase();
    const service = await startProcess({ DATABASE_URL });
    const writers = load(service, 64);
    await eventually("writes are acknowledged", () => writers.acknowledged.length > 200);
    expect(await service.stop("SIGTERM")).toBe(0);
    await writers.ended;
    expect(writers.codes).toEqual([]);
    // what was accepted was answered, so there is nothing that nobody was told of
    expect((await expectKept(DATABASE_URL, writers.acknowledged)).toSorted()).toEqual(writers.acknowledged.toSorted());
  });

  test("and an import of 2,000 rows let each other through", async () => {
    const { url: DATABASE_URL } = await migratedDatabase();
    const service = await startProcess({ DATABASE_URL });
    const writers = load(service, 64);
    const imported = await startImport({ DATABASE_URL }, manyBooks(2000)).ended;
    await writers.stop();
    expect(outcome(imported)).toEqual({ code: 0, read: 2000, added: 2000, unchanged: 0, rejected: 0 });
    expect(writers.codes).toEqual([]);
    expect(writers.acknowledged.length).toBeGreaterThan(64);
    expect(await expectKept(DATABASE_URL, writers.acknowledged)).toHaveLength(2000 + writers.acknowledged.length);
  });
});
