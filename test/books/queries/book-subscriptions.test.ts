import { describe, expect, test } from "vitest";
import { BOOK_CHANGES, subscribe, subscribeNow, TRANSPORTS } from "../../support/live/subscriber.ts";
import { startService } from "../../support/service/service.ts";
import { eventually } from "../../support/wait.ts";

describe.each(TRANSPORTS)("a subscriber by %s", (transport) => {
  test("is told of each change as it is made, once, in order, with what was before and after", async () => {
    const service = await startService();
    await service.addBook("Before");
    const subscriber = await subscribeNow(transport, service.url);
    const [start] = subscriber.checkpoints;
    expect(start).toMatchObject({ revision: 1, before: null, after: null, who: null });
    const added = await service.addBook("Dune");
    await service.updateBook("Dune", { title: "Dune Messiah" });
    await service.deleteBook("Dune Messiah");
    const changes = await subscriber.told(3);
    const { id } = added.data.addBook;
    expect(changes).toMatchObject([
      { revision: 2, kind: "ADDED", before: null, after: { id, title: "Dune", version: 2 } },
      { revision: 3, kind: "UPDATED", before: { id, title: "Dune" }, after: { id, title: "Dune Messiah" } },
      { revision: 4, kind: "DELETED", before: { id, title: "Dune Messiah" }, after: null },
    ]);
    for (const { at } of changes) expect(Date.parse(at)).toBeGreaterThan(0);
    const last = subscriber.results.at(-1);
    expect(last?.extensions).toEqual({ consistency: { revision: 4, servedBy: "database" } });
  });

  test("with `since` is first told of everything after that", async () => {
    const service = await startService();
    for (const title of ["A", "B", "C"]) await service.addBook(title);
    const subscriber = subscribe(transport, service.url, { since: 1 });
    await subscriber.told(2);
    await service.addBook("D");
    await subscriber.told(3);
    expect(subscriber.revisions).toEqual([2, 3, 4]);
    // what the newest revision leads to is still to come
    const newest = subscribe(transport, service.url, { since: 4 });
    await eventually("a checkpoint", () => newest.checkpoints.length > 0);
    expect(newest.checkpoints[0].revision).toBe(4);
  });

  test("by title is told what comes to have it, changes with it, and loses it; by id whatever the title", async () => {
    const service = await startService();
    const { data } = await service.addBook("Old");
    const { id } = data.addBook;
    await service.updateBook("Old", { title: "New" });
    await service.addBook("Other");
    await service.updateBook("New", { author: "Other Author" });
    await service.updateBook("New", { title: "Newest" });
    await service.deleteBook("Newest");
    const byTitle = subscribe(transport, service.url, { since: 0, title: " New" });
    const byId = subscribe(transport, service.url, { since: 0, id });
    const both = subscribe(transport, service.url, { since: 0, id, title: "Newest" });
    await service.addBook("New");
    await Promise.all([byTitle.told(4), byId.told(5), both.told(2)]);
    expect(byTitle.revisions).toEqual([2, 4, 5, 7]);
    expect(byId.revisions).toEqual([1, 2, 4, 5, 6]);
    expect(both.revisions).toEqual([5, 6]);
    const none = subscribe(transport, service.url, { since: 0, title: "\u0001" });
    await eventually("a checkpoint", () => none.checkpoints.some(({ revision }) => revision === 7));
    expect(none.changes).toEqual([]);
  });

  const REFUSED = [
    [{ since: 7 }, BOOK_CHANGES, "REVISION_NOT_REACHED"],
    [{ since: -1 }, BOOK_CHANGES, "BAD_USER_INPUT"],
    [{ since: 0.5 }, BOOK_CHANGES, "BAD_USER_INPUT"],
    [{}, "subscription { bookChanges { revision price } }", "GRAPHQL_VALIDATION_FAILED"],
    [{}, "subscription { bookChanges { revision }", "GRAPHQL_PARSE_FAILED"],
    [{}, "{ __typename }", "OPERATION_NOT_SUPPORTED"],
    [{}, 'mutation { deleteBook(title: "x") { __typename } }', "OPERATION_NOT_SUPPORTED"],
    [
      {},
      `subscription { bookChanges { ${Array.from({ length: 61 }, (_, i) => `a${i}: kind`).join(" ")} } }`,
      "LIMIT_EXCEEDED",
    ],
    [{}, "subscription { a: bookChanges { revision } b: bookChanges { revision } }", "GRAPHQL_VALIDATION_FAILED"],
  ] as const;

  test("is refused with a code", async () => {
    const service = await startService();
    for (const [filter, query, code] of REFUSED) {
      const subscriber = subscribe(transport, service.url, filter, query);
      const { extensions } = await subscriber.refused();
      expect(extensions.code, query).toBe(code);
      expect(extensions.http).toBeUndefined();
      subscriber.stop();
    }
  });
});
