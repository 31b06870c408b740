import { describe, expect, test } from "vitest";
import { LoadGate } from "../../src/http/load-gate.ts";

const MAX = 1000;

/** A gate in an event loop of its own, in which each request takes some time, all of it in the turn in which it comes. */
function eventLoop({ max = MAX, aside = 0 } = {}) {
  let now = 1000;
  let idle = 0;
  let endTurn: (() => void) | undefined;
  const gate = new LoadGate(max, () => aside, {
    now: () => now,
    worked: () => now - idle,
    computed: () => now - idle,
    atEndOfTurn: (listener) => {
      endTurn = listener;
    },
  });
  return {
    gate,
    get now() {
      return now;
    },
    /** It works for so long, on whatever. */
    work: (ms: number) => {
      now += ms;
    },
    /** A turn in which so many come, each of which takes `ms`; says how many were begun. */
    turn(requests: number, ms: number, refusedMs = 0.02): number {
      let begun = 0;
      for (let i = 0; i < requests; i++) {
        if (gate.admits()) {
          begun++;
          gate.begin();
          now += ms;
          gate.end();
        } else now += refusedMs;
      }
      now += 0.1;
      endTurn?.();
      endTurn = undefined;
      return begun;
    },
    wait: (ms: number) => {
      now += ms;
      idle += ms;
    },
  };
}

describe("while requests come no faster than they are answered", () => {
  test.each([
    ["few that take long", 50, 100, 10],
    ["very many that take next to nothing", 5000, 0.05, 30],
    ["as many as can just be answered", 300, 0.1, 300],
  ])("none is refused: %s", (_, requests, ms, turns) => {
    const loop = eventLoop();
    for (let i = 0; i < turns; i++) expect(loop.turn(requests, ms)).toBe(requests);
  });

  test("none is refused because another has taken long", () => {
    const loop = eventLoop();
    for (let i = 0; i < 50; i++) {
      loop.wait(100);
      expect(loop.turn(1, 3000)).toBe(1);
      expect(loop.turn(200, 0.1)).toBe(200);
    }
  });

  test("at most so many run at once", () => {
    const { gate } = eventLoop({ max: 2 });
    expect(gate.admits()).toBe(true);
    gate.begin();
    gate.begin();
    expect(gate.admits()).toBe(false);
    gate.end();
    expect(gate.admits()).toBe(true);
  });
});

describe("when ten times as many requests come as can be answered", () => {
  /** What comes for so long, each of which takes 1 ms: ten a millisecond. The loop is told how long its last turn was. */
  function flood(loop: ReturnType<typeof eventLoop>, ms: number) {
    const began = loop.now;
    let [last, answered, asked, longest] = [50, 0, 0, 0];
    while (loop.now < began + ms) {
      const before = loop.now;
      // 1000 clients, each of which waits for its answer
      const requests = Math.min(1000, Math.round(10 * last));
      answered += loop.turn(requests, 1);
      asked += requests;
      last = loop.now - before;
      longest = Math.max(longest, last);
    }
    return { answered, asked, longest, lasted: loop.now - began };
  }

  test("as many are answered as before, but for a fifth, and no turn is long", () => {
    const loop = eventLoop();
    flood(loop, 10_000);
    const { answered, asked, longest, lasted } = flood(loop, 60_000);
    expect(asked).toBeGreaterThan(8 * answered);
    // one takes a millisecond
    expect(answered).toBeGreaterThan(0.8 * lasted);
    expect(longest).toBeLessThan(50);
  });

  test("everything is as before ten seconds later", () => {
    const loop = eventLoop();
    flood(loop, 20_000);
    for (let ms = 0; ms < 10_000; ms += 100) {
      loop.wait(100);
      loop.turn(5, 1);
    }
    expect(loop.turn(MAX, 0.5)).toBe(MAX);
  });

  test("the next burst after a calm is answered whole, however long that was", () => {
    const loop = eventLoop();
    flood(loop, 20_000);
    loop.wait(3000);
    expect(loop.turn(MAX, 0.5)).toBe(MAX);
  });
});

describe("where requests are begun in one turn and answered in others, and many clients ask on as soon as they are answered", () => {
  /** So many clients for so long; says how many were answered, and how long each waited. In each turn some of those that run are answered. */
  function clients(
    loop: ReturnType<typeof eventLoop>,
    ms: number,
    { all = 900, answeredInTurn = 10, each = 1, idle = 0 },
  ) {
    const running: number[] = [];
    const waits: number[] = [];
    let refused = 0;
    let free = all;
    for (const began = loop.now; loop.now < began + ms; ) {
      for (const since of running.splice(0, answeredInTurn)) {
        loop.work(each);
        waits.push(loop.now - since);
        loop.gate.end();
        free++;
      }
      loop.wait(idle);
      // the others come again later
      const asking = Math.min(free, 100);
      for (let i = 0; i < asking; i++) {
        if (!loop.gate.admits()) {
          refused++;
          continue;
        }
        loop.gate.begin();
        running.push(loop.now);
        free--;
      }
      loop.turn(0, 0);
    }
    for (const _ of running) loop.gate.end();
    return { refused, answered: waits.length, longest: Math.max(...waits.slice(waits.length >> 1)) };
  }

  test("no more are begun than are answered soon", () => {
    const loop = eventLoop();
    const { refused, answered, longest } = clients(loop, 20_000, {});
    expect(refused).toBeGreaterThan(1000);
    expect(answered).toBeGreaterThan(0.8 * 20_000);
    expect(longest).toBeLessThan(150);
  });

  test("none is refused where it is not this process that they wait for", () => {
    expect(clients(eventLoop(), 20_000, { idle: 10 }).refused).toBe(0);
  });

  test("none is refused because many wait in a line of their own", () => {
    const loop = eventLoop({ aside: 850 });
    expect(clients(loop, 20_000, {}).refused).toBe(0);
  });
});
