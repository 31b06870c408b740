import { expect, test } from "vitest";
import { openConnection, PAGE, postOf } from "../support/network/raw-connection.ts";
import { startService } from "../support/service/service.ts";
import { eventually } from "../support/wait.ts";

/** Longer than what any client is waited for, on a machine that is busy. */
const LONG = 60_000;

test(
  "clients that do not come to an end are not waited for",
  async () => {
    const service = await startService();
    // made at the first visit: on a busy machine the rest would be over before any of it is sent
    await (await fetch(service.url, { headers: { accept: "text/html" } })).arrayBuffer();
    const bytes = postOf('{"query":"{ __typename }"}');
    const [silent, slowHead, slowBody, unread] = await Promise.all([1, 2, 3, 4].map(() => openConnection(service.url)));
    await slowHead?.send("POST /graphql HTTP/1.1\r\nHost: ");
    await slowBody?.send(bytes.slice(0, -5));
    unread?.pause();
    await unread?.send(PAGE.repeat(10));

    // beside them, where connections run short
    const short = await startService({ MAX_CONNECTIONS: "4" });
    const idle = await Promise.all([1, 2, 3, 4].map(() => openConnection(short.url)));
    await eventually("idle ones make room", () => idle.every(({ ended }) => ended), LONG);

    for (const connection of [silent, slowHead, slowBody]) {
      await eventually("it is closed", () => connection?.ended, LONG);
      const response = await connection?.response();
      expect(response?.status).toBe(408);
      expect(JSON.parse(response?.body ?? "").errors[0].extensions.code).toBe("BAD_REQUEST");
    }
    unread?.resume();
    await eventually("it is cut off", () => unread?.ended, LONG);
    await expect(unread?.responses(10)).rejects.toThrow(/^(closed|reset) after [1-4] responses$/);
  },
  2 * LONG,
);
