import { describe, expect, test } from "vitest";
import { LoadGate } from "../../src/http/load-gate.ts";

const MAX = 1000;

/** A gate in an event loop of its own, in which each request takes some time, all of it in the turn in which it comes. */
function eventLoop(max = MAX) {
  let now = 1000;
  let endTurn: (() => void) | undefined;
  const gate = new LoadGate(
    max,
    () => now,
    () => now,
    (listener) => {
      endTurn = listener;
    },
  );
  return {
    gate,
    get now() {
      return now;
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
      return begun;
    },
    wait: (ms: number) => {
      now += ms;
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
    const { gate } = eventLoop(2);
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

  test("less run at once where each is begun in one turn and takes its time in another", () => {
    const loop = eventLoop();
    const { gate } = loop;
    let running = 0;
    let refused = 0;
    let turn = 0;
    for (let i = 0; i < 400; i++) {
      // what was begun in the turn before
      const begun = loop.now;
      if (!gate.admits()) refused++;
      loop.wait(running * 1);
      for (; running > 0; running--) gate.end();
      for (let n = 0; n < 500; n++) {
        if (!gate.admits()) refused++;
        else {
          gate.begin();
          running++;
        }
      }
      loop.turn(0, 0);
      turn = loop.now - begun;
    }
    expect(refused).toBeGreaterThan(1000);
    expect(turn).toBeLessThan(60);
  });
});
