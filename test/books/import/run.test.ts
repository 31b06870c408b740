import { describe, expect, test } from "vitest";
import { showProgress } from "../../../src/books/import/progress.ts";
import { newDatabase } from "../../support/database/database.ts";
import { manyBooks } from "../../support/import/csv-files.ts";
import { importFile } from "../../support/import/import-file.ts";
import { type ImportResult, outcome, runImport, startImport } from "../../support/import/import-process.ts";
import { startRedis } from "../../support/redis/server.ts";
import { startService } from "../../support/service/service.ts";
import { startProcess } from "../../support/service/service-process.ts";
import { eventually } from "../../support/wait.ts";

test("--help explains the command", async () => {
  const { code, stdout } = await runImport({}, "--help");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Usage: npm run import -- FILE\.csv/);
  expect(stdout).toContain(
    "Fields: title, author, publishedDate, isbn, language, description, coverUrl, stockQuantity.",
  );
});

describe("while a service runs on the same database", () => {
  test("both the import and the service's commands succeed, by turns", async () => {
    const { url: DATABASE_URL } = await newDatabase();
    const service = await startProcess({ DATABASE_URL });
    const running = startImport({ DATABASE_URL }, manyBooks(400));
    let imported: ImportResult | undefined;
    running.ended.then((result) => {
      imported = result;
    });
    const revisions: number[] = [];
    while (!imported) {
      const { consistency } = await service.addBook(`Added ${revisions.length}`);
      revisions.push(consistency.revision);
    }
    expect(outcome(imported)).toEqual({ code: 0, read: 400, added: 400, unchanged: 0, rejected: 0 });
    const last = 400 + revisions.length;
    expect(revisions.filter((revision) => revision > 100 && revision < last - 100)).not.toEqual([]);
    expect(await service.titles()).toHaveLength(last);
  });

  test.each([
    ["with the same Redis", true],
    ["without Redis", false],
  ])("its reads from Redis are never older than what was imported %s", async (_, sameRedis) => {
    const { url: DATABASE_URL } = await newDatabase();
    const redis = await startRedis();
    const service = await startService({ DATABASE_URL, REDIS_URL: redis.url });
    const count = async () => {
      const { data, consistency } = await service.ask("{ booksConnection(first: 1) { totalCount } }");
      return { ...consistency, total: data.booksConnection.totalCount as number };
    };
    await service.addBook("Before");
    await eventually("Redis answers", async () => (await count()).servedBy === "redis");

    const running = startImport({ DATABASE_URL, REDIS_URL: sameRedis ? redis.url : undefined }, manyBooks(300));
    let imported: ImportResult | undefined;
    running.ended.then((result) => {
      imported = result;
    });
    for (let before = 0; !imported; ) {
      const { total, revision } = await count();
      expect(total).toBe(revision);
      expect(revision).toBeGreaterThanOrEqual(before);
      before = revision;
    }
    expect(await service.titles()).toHaveLength(301);
    expect(outcome(imported)).toMatchObject({ code: 0, added: 300 });
    await eventually("Redis answers", async () => (await count()).servedBy === "redis");
    expect(await count()).toEqual({ total: 301, revision: 301, servedBy: "redis" });
  });
});

describe("when interrupted", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("by %s it finishes the transaction, sums up and can be run again", async (signal, code) => {
    const { url: DATABASE_URL } = await newDatabase();
    const service = await startService({ DATABASE_URL });
    const file = manyBooks(1000);
    const running = startImport({ DATABASE_URL }, file);
    await eventually("the first rows are in", async () => (await service.titles()).length > 0);
    running.child.kill(signal);
    running.child.kill(signal);
    const result = await running.ended;

    const { read, added } = outcome(result);
    expect(outcome(result)).toEqual({ code, read, added: read, unchanged: 0, rejected: 0 });
    expect(read).toBeLessThan(1000);
    expect(await service.titles()).toHaveLength(Number(added));
    expect(result.stderr).toContain(`Interrupted by ${signal}. The rows up to line ${Number(read) + 1} are dealt with`);

    const again = await importFile(DATABASE_URL, file);
    expect(again).toMatchObject({ read: 1000, added: 1000 - Number(added), unchanged: added, rejected: 0 });
  });
});

describe("progress", () => {
  /** What is shown of an import that is half done, and then done. */
  function shown(isTTY: boolean): string {
    let text = "";
    const display = showProgress("books.csv", {
      isTTY,
      columns: 60,
      write: (more) => {
        text += more;
      },
    });
    display.update({ rows: 100, fraction: 0.5 });
    display.update({ rows: 200, fraction: 1 });
    display.end();
    return text.replaceAll(/\d+ rows\/s/g, "N rows/s");
  }

  test("is one line that is redrawn on a terminal", () => {
    const text = shown(true);
    const lines = text.replaceAll("\u001b[K", "").split("\r");
    expect(lines).toEqual([
      "",
      expect.stringMatching(/^\[#+-+\] {2}50 %, 100 rows, N rows\/s$/),
      expect.stringMatching(/^\[#+\] 100 %, 200 rows, N rows\/s\n$/),
    ]);
    for (const line of lines) expect(line.length).toBeLessThan(60);
  });

  test("is plain lines elsewhere, the first at once", () => {
    expect(shown(false)).toBe("books.csv: 50 %, 100 rows, N rows/s\nbooks.csv: 100 %, 200 rows, N rows/s\n");
  });
});
