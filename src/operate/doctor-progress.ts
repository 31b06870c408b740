/** How long nothing is said, and then from one line to the next, in milliseconds. */
const INTERVAL_MS = 2000;

/** Before that nothing is said: it will soon be over. */
const LEAST = 20_000;

/** Says now and then how far something is that takes long: on a terminal in one line, elsewhere in lines of their own. */
export function showHowFar(output: NodeJS.WriteStream) {
  let shownAt = performance.now();
  let isShown = false;
  return {
    update(what: string, done: number): void {
      if (done < LEAST || performance.now() - shownAt < INTERVAL_MS) return;
      shownAt = performance.now();
      isShown = true;
      output.write(output.isTTY ? `\r${done} ${what}\u001b[K` : `${done} ${what}\n`);
    },
    /** Leaves nothing of it on a terminal. */
    end(): void {
      if (isShown && output.isTTY) output.write("\r\u001b[K");
    },
  };
}
