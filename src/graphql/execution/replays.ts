import type { OperationTypeNode } from "graphql";
import { LRUCache } from "lru-cache";
import type { Consistency, ReadReplay } from "../../cqrs/consistency.ts";
import { type Revisions, reportOf, reportOfOne, type ServedBy } from "../../cqrs/revisions.ts";
import type { Needs } from "./access.ts";
import { type AnswerText, keptHead } from "./answer-text.ts";

/** What all kept answers may take together, in bytes, by the weights below, which are what a heap of them grows by. */
const MAX_BYTES = 64_000_000;
/** An entry, and each of its reads, beside their texts. */
const ENTRY_BYTES = 600;
/** A text takes as many for each of its characters, unless it is all Latin. */
const CHARACTER_BYTES = 2;

/** What was executed for an answer, for whoever decides whether it may be had again. */
export interface Executed {
  readonly kind: OperationTypeNode;
  readonly cost: number;
  /** Of whoever asks for it again as of the first. */
  readonly needs: Needs;
}

/** An answer that was given, but for its report, and how to make each read again that it was made from. */
export interface Replay extends Executed {
  readonly key: string;
  readonly head: string | Buffer;
  readonly tail: string;
  readonly reads: readonly ReadReplay[];
  readonly streams: readonly string[];
  readonly servedBy: ServedBy;
}

/**
 * Recent answers to queries, by what was asked. An answer is a function of its request and of what was read for it. So
 * when the same request comes again, the same is read again, under the same fence as ever, and if nothing has become
 * another the same text is the answer, true at the revision now read: only parsing, execution and serialisation are
 * spared. There is nothing to expire and nothing to invalidate.
 *
 * A key is that of a request without the revisions that it asks for: those count anew each time.
 */
export class Replays {
  readonly #kept = new LRUCache<string, Replay>({
    maxSize: MAX_BYTES,
    // a few larger ones would leave no room for those of all others
    maxEntrySize: MAX_BYTES / 16,
    sizeCalculation: ({ reads, head }, key) => {
      let size = CHARACTER_BYTES * key.length + sizeOf(head) + ENTRY_BYTES;
      for (const read of reads) size += CHARACTER_BYTES * read.size + ENTRY_BYTES;
      return size;
    },
  });

  find(key: string): Replay | undefined {
    return this.#kept.get(key);
  }

  /** The answer, if it still is one, at revisions of at least `atLeast`; else it has to be made anew. */
  async replay(replay: Replay, atLeast: Revisions): Promise<AnswerText | undefined> {
    const { head, tail, reads, streams, servedBy } = replay;
    const [only] = reads;
    try {
      // most answers are made from one
      if (only && reads.length === 1) {
        const revision = await only.replay(atLeast[only.stream] ?? 0);
        if (revision === undefined) return undefined;
        return { head, report: reportOfOne(streams, only.stream, revision, servedBy), tail };
      }
      const revisions = await revisionsNow(reads, atLeast);
      return revisions && { head, report: reportOf(streams, revisions, servedBy), tail };
    } catch {
      // whoever executes it finds out what is wrong, and those who come next need not find out twice
      this.#kept.delete(replay.key);
      return undefined;
    }
  }

  /** Keeps an answer if it can be had again: one of reads only, each of which can be made again. */
  keep(key: string, { head, report, tail }: AnswerText, executed: Executed, { replays, streams }: Consistency): void {
    if (!report || !replays) return;
    const { kind, cost, needs } = executed;
    const { servedBy } = report;
    this.#kept.set(key, { kind, cost, needs, key, head: keptHead(head), tail, reads: replays, streams, servedBy });
  }

  /** What all that is kept takes by its weights, and may take, in bytes. */
  get kept(): { readonly bytes: number; readonly maxBytes: number } {
    return { bytes: this.#kept.calculatedSize, maxBytes: MAX_BYTES };
  }
}

function sizeOf(head: string | Buffer): number {
  // once more for bytes: as much may be kept of what they are compressed to, half of it in each encoding
  return 2 * head.length;
}

/** The lowest revisions at which everything is as it was; undefined when something is not. */
async function revisionsNow(reads: readonly ReadReplay[], atLeast: Revisions): Promise<Revisions | undefined> {
  const made = await Promise.all(reads.map((read) => read.replay(atLeast[read.stream] ?? 0)));
  const lowest: Record<string, number> = {};
  for (const [i, { stream }] of reads.entries()) {
    const revision = made[i];
    if (revision === undefined) return undefined;
    lowest[stream] = Math.min(lowest[stream] ?? revision, revision);
  }
  return lowest;
}
