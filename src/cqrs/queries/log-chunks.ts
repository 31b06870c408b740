import { LRUCache } from "lru-cache";
import type { LoggedChange } from "../change.ts";
import type { ChangeLog } from "./change-log.ts";

/** Changes that are read together: those after one multiple of it, up to the next. */
const CHUNK = 100;
/** What all chunks that are kept may take, in bytes. A chunk of the largest changes there can be takes a quarter. */
const MAX_BYTES = 32_000_000;
/** So many chunks are read at once; who comes then waits in line. */
const MAX_READING = 2;

/** Changes in order, of which the first comes after `after`. */
export interface Chunk<T> {
  readonly after: number;
  readonly changes: readonly LoggedChange<T>[];
}

/**
 * The older part of the change log, for those who have fallen behind: in chunks that all share, so that a thousand who come
 * back after a restart cost little more than one, and none has more in memory than where it stands.
 */
export class LogChunks<T extends object> {
  readonly #log: ChangeLog<T>;
  readonly #kept = new LRUCache<number, Chunk<T>>({ maxSize: MAX_BYTES });
  readonly #reading = new Map<number, Promise<Chunk<T>>>();
  readonly #line: (() => void)[] = [];
  #running = 0;

  constructor(log: ChangeLog<T>) {
    this.#log = log;
  }

  /** The chunk that has the change after `revision`, if it is kept. */
  find(revision: number): Chunk<T> | undefined {
    const chunk = this.#kept.get(startOf(revision));
    return chunk && isIn(chunk, revision) ? chunk : undefined;
  }

  /**
   * Reads the chunk that has the change after `revision`, which must have been made.
   *
   * @throws DatabaseUnavailable
   */
  read(revision: number): Promise<Chunk<T>> {
    const after = startOf(revision);
    let reading = this.#reading.get(after);
    if (!reading) {
      reading = this.#readNext(after).finally(() => this.#reading.delete(after));
      this.#reading.set(after, reading);
    }
    return reading;
  }

  /** Forgets all: nobody is behind. */
  clear(): void {
    this.#kept.clear();
  }

  async #readNext(after: number): Promise<Chunk<T>> {
    if (this.#running >= MAX_READING) await new Promise<void>((begin) => this.#line.push(begin));
    this.#running++;
    try {
      const { changes, bytes } = await this.#log.after(after, CHUNK);
      const chunk = { after, changes };
      if (bytes > 0) this.#kept.set(after, chunk, { size: bytes });
      return chunk;
    } finally {
      this.#running--;
      this.#line.shift()?.();
    }
  }
}

/** Where `chunk` has the change after `revision`; or the first one after it, where that is not logged any more. */
export function placeIn<T>({ changes }: Chunk<T>, revision: number): number {
  const first = changes[0]?.revision ?? Number.POSITIVE_INFINITY;
  return Math.max(0, revision + 1 - first);
}

function startOf(revision: number): number {
  return revision - (revision % CHUNK);
}

/** The newest chunk may have grown since it was read. */
function isIn<T>({ changes }: Chunk<T>, revision: number): boolean {
  return (changes.at(-1)?.revision ?? 0) > revision;
}
