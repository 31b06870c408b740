import type { Asked } from "../../batch.ts";
import type { Committed, StreamTable } from "../stream-table.ts";

/** What the thread is given when it is started. */
export interface WriterData {
  readonly file: string;
}

/** A stream whose batches will come. It is answered when they can be committed without delay. */
export interface StreamMessage {
  readonly id: number;
  readonly table: StreamTable;
}

/** A batch for the thread to commit. */
export interface BatchMessage {
  readonly id: number;
  readonly stream: string;
  readonly asked: readonly Asked<never>[];
  /** Those of its `Starts`. */
  readonly cells: Int32Array<SharedArrayBuffer>;
}

/** What is sent to the thread. Nothing ends it. */
export type ToWriter = StreamMessage | BatchMessage | undefined;

/** What came of a message, or a warning of Node in the thread. */
export type FromWriter =
  | { readonly id: number; readonly committed: Committed | undefined }
  | {
      readonly id: number;
      readonly failure: { readonly message: string; readonly code: string | undefined; readonly committing: boolean };
    }
  | { readonly warning: { readonly name: string; readonly message: string } };
