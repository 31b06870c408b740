import { LRUCache } from "lru-cache";
import type { Consistency, Recheck } from "../../cqrs/consistency.ts";
import { type Report, type Revisions, reportOf, type ServedBy } from "../../cqrs/revisions.ts";

/** What all kept answers may take together, in bytes, by the weights below, which are what a heap of them grows by. */
const MAX_BYTES = 64_000_000;
/** An entry, and each of its reads, beside their texts. */
const ENTRY_BYTES = 600;
/** A text takes as many for each of its characters, unless it is all Latin. */
const CHARACTER_BYTES = 2;

/** Longer answers are kept as bytes: to encode 10 kB anew takes 15 µs. Shorter ones are faster as text. */
const MAX_TEXT = 2000;

/** An answer as it was sent, but for its report, and how to make sure of each read that it was made from. */
interface Replay {
  readonly rechecks: readonly Recheck[];
  readonly beforeReport: string | Buffer;
  readonly servedBy: ServedBy;
  readonly streams: readonly string[];
}

/**
 * Recent answers to queries, by their requests as sent. An answer is a function of its request and of what was read for
 * it. So the same request reads the same again, under the same fence as ever, and if nothing has become another the
 * same text is the answer, true at the revision now read: only parsing, execution and serialisation are spared. There
 * is nothing to expire and nothing to invalidate.
 */
export class Replays {
  readonly #replays = new LRUCache<string, Replay>({
    maxSize: MAX_BYTES,
    // a few larger ones would leave no room for those of all others
    maxEntrySize: MAX_BYTES / 16,
    sizeCalculation: ({ rechecks, beforeReport }, request) =>
      rechecks.reduce(
        (sum, { size }) => sum + CHARACTER_BYTES * size + ENTRY_BYTES,
        CHARACTER_BYTES * request.length + sizeOf(beforeReport) + ENTRY_BYTES,
      ),
  });

  /** The answer to `request` if it is known; `undefined` when it has to be made, at once or in the end. */
  find(request: string): Promise<string | Buffer | undefined> | undefined {
    const replay = this.#replays.get(request);
    return replay && this.#again(request, replay);
  }

  /** What all that is kept takes by its weights, and may take, in bytes. */
  get kept(): { readonly bytes: number; readonly maxBytes: number } {
    return { bytes: this.#replays.calculatedSize, maxBytes: MAX_BYTES };
  }

  /** Keeps `answer` if it can be had again: one of reads only that can be made sure of, and without errors. */
  keep(request: string, answer: string, { report, rechecks, streams }: Consistency): void {
    if (!report || !rechecks) return;
    const tail = tailOf(report);
    if (!answer.endsWith(tail)) return;
    const text = answer.slice(0, -tail.length);
    const beforeReport = text.length > MAX_TEXT ? Buffer.from(text) : text;
    this.#replays.set(request, { rechecks, beforeReport, servedBy: report.servedBy, streams });
  }

  async #again(request: string, replay: Replay): Promise<string | Buffer | undefined> {
    const revisions = await lowestOf(replay.rechecks).catch(() => {
      // whoever executes it finds out what is wrong, and those who come next need not find out twice
      this.#replays.delete(request);
      return undefined;
    });
    if (revisions === undefined) return undefined;
    const { beforeReport, servedBy, streams } = replay;
    const tail = tailOf(reportOf(streams, revisions, servedBy));
    return typeof beforeReport === "string" ? beforeReport + tail : Buffer.concat([beforeReport, Buffer.from(tail)]);
  }
}

function sizeOf(answer: string | Buffer): number {
  return typeof answer === "string" ? CHARACTER_BYTES * answer.length : answer.length;
}

/** How an answer ends: its report is the last of its extensions, and these are the last of it. */
function tailOf(report: Report): string {
  return `${JSON.stringify(report)}}}`;
}

/** The lowest revisions at which everything is as it was; undefined when something is not. */
async function lowestOf(rechecks: readonly Recheck[]): Promise<Revisions | undefined> {
  const [only] = rechecks;
  if (only && rechecks.length === 1) {
    const revision = await only.again();
    return revision === undefined ? undefined : { [only.stream]: revision };
  }
  const revisions = await Promise.all(rechecks.map((recheck) => recheck.again()));
  const lowest: Record<string, number> = {};
  for (const [i, { stream }] of rechecks.entries()) {
    const revision = revisions[i];
    if (revision === undefined) return undefined;
    lowest[stream] = Math.min(lowest[stream] ?? revision, revision);
  }
  return lowest;
}
