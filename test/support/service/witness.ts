import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { eventually } from "../wait.ts";
import type { GraphqlClient } from "./graphql-client.ts";

/** What a witness saw. */
export interface Testimony {
  readonly reads: number;
  readonly writes: number;
  readonly servedBy: ReadonlySet<string>;
}

const BOTH = `query Witness($title: String!) {
  book(title: $title) { stockQuantity }
  books { title stockQuantity }
}`;

/** Who asks without a pause leaves the others no time, nor the tests beside this one; least of all when it takes long. */
const PAUSE_MS = { shortest: 10, longest: 30, shareOfTime: 0.005 };

/**
 * Counts the stock of one book up through all services in turn while others read it through all of them, point and
 * list alike, until `fault` is over and a few writes more. Fails if a request fails or if a read that began after a
 * write had been acknowledged is older than it. In the end the book is deleted.
 */
export async function witness(services: readonly GraphqlClient[], fault: () => Promise<unknown>): Promise<Testimony> {
  const title = "The Witnessed Book";
  await services[0]?.addBook(title);
  let acknowledged = 0;
  let reads = 0;
  const servedBy = new Set<string>();
  const began = performance.now();
  const pause = () => {
    const { shortest, longest, shareOfTime } = PAUSE_MS;
    return sleep(Math.min(shortest + (performance.now() - began) * shareOfTime, longest));
  };
  const running = { write: true, read: true };

  const write = async () => {
    for (let turn = 0; running.write; turn++) {
      const service = services[turn % services.length] as GraphqlClient;
      const next = acknowledged + 1;
      const { data } = await service.updateBook(title, { stockQuantity: next });
      expect(data.updateBook).toMatchObject({ __typename: "Book", stockQuantity: next });
      acknowledged = next;
      await pause();
    }
  };
  const read = async (service: GraphqlClient) => {
    while (running.read) {
      const before = acknowledged;
      const { data, consistency } = await service.ask(BOTH, { variables: { title } });
      const listed = data.books.find((book: { title: string }) => book.title === title);
      expect(data.book?.stockQuantity, `point read, served by ${consistency.servedBy}`).toBeGreaterThanOrEqual(before);
      expect(listed?.stockQuantity, `list read, served by ${consistency.servedBy}`).toBeGreaterThanOrEqual(before);
      servedBy.add(consistency.servedBy);
      reads++;
      await pause();
    }
  };

  const writing = write();
  const reading = Promise.all(services.map(read));
  const failed = Promise.all([writing, reading]);
  const past = (count: number) => eventually("writes go on", () => acknowledged >= count);
  try {
    await Promise.race([failed, past(3)]);
    await Promise.race([failed, fault()]);
    await Promise.race([failed, past(acknowledged + 3)]);
  } finally {
    running.write = false;
    await writing.finally(() => {
      running.read = false;
    });
    await reading;
  }
  await services[0]?.deleteBook(title);
  return { reads, writes: acknowledged, servedBy };
}

/** Waits until every service answers point and list reads from Redis. */
export async function servedByRedis(...services: readonly GraphqlClient[]): Promise<void> {
  for (const service of services) {
    await eventually("reads come from Redis", async () => {
      const { consistency } = await service.ask(BOTH, { variables: { title: "any" } });
      return consistency.servedBy === "redis";
    });
  }
}
