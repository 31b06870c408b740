import { describe, expect, test } from "vitest";
import { INIT, RawSocket, subscribeMessage } from "../support/live/raw-socket.ts";
import { openConnection, postOf } from "../support/network/raw-connection.ts";
import { startService } from "../support/service/service.ts";
import { eventually } from "../support/wait.ts";

/** Longer than what any client is waited for, on a machine that is busy. */
const LONG = 60_000;
/** So many changes come to more than the system takes for clients that do not read. */
const COUNT = 400;
const CHANGES = "subscription { bookChanges(since: 0) { revision before { description } after { description } } }";

describe("subscribers who do not take what they are told", () => {
  test(
    "are sent no more than fits, hold nobody up, and are cut off and told where to go on",
    async () => {
      const service = await startService({ MAX_SUBSCRIPTIONS: "3" });
      for (let i = 0; i < COUNT; i += 50) {
        const description = "é".repeat(10_000);
        await Promise.all(Array.from({ length: 50 }, (_, k) => service.addBook(`${i + k}`, { description })));
      }
      const socket = await new RawSocket(service).send(INIT, subscribeMessage("1", CHANGES));
      await socket.message("next", "1");
      socket.socket.pause();
      const stream = await openConnection(service.url);
      stream.pause();
      await stream.send(postOf(JSON.stringify({ query: CHANGES }), "Accept: text/event-stream"));

      const other = await new RawSocket(service).send(INIT, subscribeMessage("1", CHANGES));
      await eventually("another is told everything", () => other.messages.length > COUNT);
      const refused = async (id: string) => {
        await other.send(subscribeMessage(id, CHANGES));
        return eventually("an answer", () => other.messages.find((one) => one.id === id));
      };
      expect((await refused("2")).payload[0].extensions.code).toBe("LIMIT_EXCEEDED");
      let id = 2;
      const isAdmitted = async () => {
        const { type } = await refused(`${++id}`);
        return type === "next";
      };
      await eventually("one of them is cut off", isAdmitted, LONG);
      await eventually("the other, too", isAdmitted, LONG);

      socket.socket.resume();
      const { code, reason } = await socket.close();
      const told = socket.messages.filter(({ type }) => type === "next").map(({ payload }) => payload.data.bookChanges);
      expect(told.map(({ revision }) => revision)).toEqual(told.map((_, i) => i + 1));
      expect(told.length).toBeLessThan(COUNT);
      // what was on its way may be lost with the connection, and the reason with it
      if (code !== 1006)
        expect({ code, reason }).toEqual({ code: 1013, reason: `too slow; go on with since: ${told.length}` });
      stream.resume();
      await eventually("the stream has ended", () => stream.ended, LONG);
    },
    2 * LONG,
  );
});
