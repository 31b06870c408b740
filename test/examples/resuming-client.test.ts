import { createClient } from "graphql-ws";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { resumingClient } from "../../examples/resuming-client.ts";
import { startBalancer } from "../support/network/balancer.ts";
import { startService } from "../support/service/service.ts";
import { eventually } from "../support/wait.ts";

test("who has lost the connection is told of each change once, by whichever process, and says what was seen", async () => {
  const first = await startService();
  const second = await startService({ DATABASE_URL: first.databaseUrl });
  const balancer = await startBalancer(first.url, second.url);
  const told: number[] = [];
  const seen: string[] = [];
  const failures: unknown[] = [];
  const url = balancer.url.replace("http", "ws");
  const plain = createClient({ url, webSocketImpl: WebSocket, retryAttempts: Infinity, retryWait: async () => {} });
  onTestFinished(() => plain.dispose());
  const client = resumingClient(plain, (revisions) => seen.push(revisions));
  const query = "subscription ($since: Revision) { bookChanges(since: $since) { revision kind } }";
  const variables = { since: 0 };
  client.subscribe<{ bookChanges: { revision: number; kind: string } }>(
    { query, variables },
    {
      next: ({ data }) => void (data?.bookChanges.kind !== "CHECKPOINT" && told.push(data?.bookChanges.revision ?? 0)),
      error: (error) => failures.push(error),
      complete: () => {},
    },
  );
  const expected: number[] = [];
  for (let revision = 1; revision <= 6; revision++) {
    await (revision % 2 ? first : second).addBook(`Book ${revision}`);
    expected.push(revision);
    await eventually("it is told", () => told.length >= revision);
    balancer.cutSockets();
  }
  expect([told, [...new Set(seen)], failures]).toEqual([expected, expected.map(String), []]);
  expect(variables).toEqual({ since: 0 });
});
