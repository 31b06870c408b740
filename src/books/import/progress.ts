import type { ImportProgress } from "./import-books.ts";

/** Where progress is shown: `process.stderr`, or what looks like it. */
export interface ProgressOutput {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** Shows how far an import is. */
export interface ProgressDisplay {
  readonly update: (progress: ImportProgress) => void;
  /** Shows the last state. The output is then at the beginning of a line. */
  readonly end: () => void;
}

/** How often a line is redrawn on a terminal, and how often one is written elsewhere. Milliseconds. */
const INTERVAL_MS = { terminal: 100, plain: 2000 };

/** A bar on a terminal, plain lines elsewhere. The first state is shown at once. */
export function showProgress(name: string, output: ProgressOutput): ProgressDisplay {
  const begin = performance.now();
  const interval = output.isTTY ? INTERVAL_MS.terminal : INTERVAL_MS.plain;
  let shownAt = -Infinity;
  let latest: ImportProgress | undefined;
  let shown: ImportProgress | undefined;

  const show = (progress: ImportProgress) => {
    shown = progress;
    shownAt = performance.now();
    const { rows, fraction } = progress;
    const rate = Math.round((rows * 1000) / Math.max(shownAt - begin, 1));
    const share = fraction === undefined ? "" : `${String(Math.floor(fraction * 100)).padStart(3)} %, `;
    const text = `${share}${rows} rows, ${rate} rows/s`;
    output.write(
      output.isTTY
        ? `\r${bar(fraction ?? 0, (output.columns || 80) - text.length - 2)} ${text}\u001b[K`
        : `${name}: ${text.trim()}\n`,
    );
  };
  return {
    update(progress) {
      latest = progress;
      if (performance.now() - shownAt >= interval) show(progress);
    },
    end() {
      if (latest && latest !== shown) show(latest);
      if (output.isTTY && shown) output.write("\n");
    },
  };
}

function bar(fraction: number, width: number): string {
  const cells = Math.max(0, Math.min(40, width - 2));
  const done = Math.round(fraction * cells);
  return `[${"#".repeat(done)}${"-".repeat(cells - done)}]`;
}
