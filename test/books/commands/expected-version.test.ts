import { describe, expect, test } from "vitest";
import { migratedDatabase } from "../../support/database/migrated-database.ts";
import type { GraphqlClient } from "../../support/service/graphql-client.ts";
import { startService } from "../../support/service/service.ts";
import { eventually } from "../../support/wait.ts";

/** How often each of those who change what has the title does so. */
const ROUNDS = 10;

async function typename(answer: Promise<{ data: Record<string, { __typename: string }> }>): Promise<string> {
  return Object.values((await answer).data)[0]?.__typename as string;
}

describe("a version that somebody has seen of a title", () => {
  test("is not that of a book which was deleted and added anew", async () => {
    const service = await startService();
    const { version } = (await service.addBook("A")).data.addBook;
    await service.deleteBook("A");
    await service.addBook("A");
    const expecting = { stockQuantity: 1, expectedVersion: version };
    expect(await typename(service.updateBook("A", expecting))).toBe("VersionConflictError");
    expect(await typename(service.deleteBook("A", version))).toBe("VersionConflictError");
  });

  test("is not that of a book which was renamed into it", async () => {
    const service = await startService();
    await service.addBook("Other");
    await service.addBook("A");
    const { version } = (await service.updateBook("A", {})).data.updateBook;
    await service.updateBook("A", { title: "Away" });
    await service.updateBook("Other", { title: "A" });
    const expecting = { stockQuantity: 1, expectedVersion: version };
    expect(await typename(service.updateBook("A", expecting))).toBe("VersionConflictError");
    expect(await typename(service.deleteBook("A", version))).toBe("VersionConflictError");
  });

  test("is accepted once, while books are deleted, added anew and renamed through two processes", async () => {
    const { url: DATABASE_URL } = await migratedDatabase();
    const services = [await startService({ DATABASE_URL }), await startService({ DATABASE_URL })];
    const at = (turn: number) => services[turn % services.length] as GraphqlClient;
    const done: Record<string, number> = {};
    const note = async (what: string, result: Promise<string>) => {
      if ((await result) === "Book") done[what] = (done[what] ?? 0) + 1;
    };
    await at(0).addBook("A");
    await at(0).addBook("B");

    const accepted = new Map<string, number>();
    let changing = 3;
    const update = async (worker: number) => {
      for (let turn = worker; changing > 0; turn++) {
        const title = turn % 2 === 0 ? "A" : "B";
        const { book } = (await at(turn).book(title)).data;
        if (!book) continue;
        const expecting = { stockQuantity: turn, expectedVersion: book.version };
        if ((await typename(at(turn + 1).updateBook(title, expecting))) !== "Book") continue;
        const seen = `${title} at ${book.version}`;
        accepted.set(seen, (accepted.get(seen) ?? 0) + 1);
      }
    };
    const change = async (once: (turn: number) => Promise<void>) => {
      for (let turn = 0; turn < ROUNDS; turn++) {
        const before = sum(accepted);
        await once(turn);
        await eventually("an update is accepted", () => sum(accepted) > before);
      }
      changing--;
    };
    const input = { title: "A", author: "Anew" };
    await Promise.all([
      ...[1, 2, 3, 4].map(update),
      change(async (turn) => {
        await note("deleted", typename(at(turn).deleteBook("A")));
        await note("added anew", typename(at(turn).ask(ADD, { variables: { input } })));
      }),
      change((turn) => note("renamed", typename(at(turn).updateBook("B", { title: "Away" })))),
      change((turn) => note("renamed", typename(at(turn + 1).updateBook("Away", { title: "B" })))),
    ]);
    await Promise.all(["A", "B"].map((title) => at(0).ask(ADD, { variables: { input: { ...input, title } } })));

    for (const what of ["deleted", "added anew", "renamed"]) expect(done[what], what).toBeGreaterThan(0);
    expect([...accepted].filter(([, times]) => times > 1)).toEqual([]);
    expect(accepted.size).toBeGreaterThanOrEqual(ROUNDS);
  });
});

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}

const ADD = "mutation ($input: AddBookInput!) { addBook(input: $input) { __typename } }";
