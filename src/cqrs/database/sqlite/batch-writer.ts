import { setTimeout as sleep } from "node:timers/promises";
import type Database from "better-sqlite3";
import type { Batch } from "../../batch.ts";
import { BatchFailure, type BatchStream, type BatchWriter, type Committed, type StreamTable } from "../stream-table.ts";
import { BatchConnection } from "./batch-connection.ts";
import { BUSY_TIMEOUT_MS, Busy, openSqlite, pauseMs } from "./connection.ts";
import { Writer } from "./writer.ts";

/**
 * Commits batches in a thread, which is started when it is first needed, and anew when it was lost. Streams whose values
 * MikroORM alone can map are committed here, and each waits for the disk on the event loop.
 */
class SqliteBatchWriter implements BatchWriter {
  readonly #file: string;
  #writer: Writer | undefined;
  #database: Database.Database | undefined;
  readonly #connections = new Map<StreamTable, BatchConnection>();

  constructor(file: string) {
    this.#file = file;
  }

  async prepare(stream: BatchStream): Promise<void> {
    if (stream.table.kinds) await this.#writerFor(stream.table);
  }

  async commit(stream: BatchStream, batch: Batch<never>): Promise<Committed> {
    if (!stream.table.kinds) return this.#commitHere(stream, batch);
    const writer = await this.#writerFor(stream.table);
    return writer.commit(stream.table, batch);
  }

  async close(): Promise<void> {
    await this.#writer?.close();
    this.#database?.close();
  }

  async #writerFor(table: StreamTable): Promise<Writer> {
    if (!this.#writer || this.#writer.lost) this.#writer = new Writer(this.#file);
    const writer = this.#writer;
    await writer.prepare(table);
    return writer;
  }

  async #commitHere(stream: BatchStream, batch: Batch<never>): Promise<Committed> {
    const connection = this.#connectionFor(stream);
    const began = performance.now();
    while (!connection.begin()) {
      if (performance.now() - began > BUSY_TIMEOUT_MS) throw new BatchFailure(new Busy(), false);
      await sleep(pauseMs());
    }
    return connection.commit(batch);
  }

  #connectionFor(stream: BatchStream): BatchConnection {
    this.#database ??= openSqlite(this.#file, "commit");
    const connection = this.#connections.get(stream.table) ?? new BatchConnection(this.#database, stream);
    this.#connections.set(stream.table, connection);
    return connection;
  }
}

/** What commits batches to the SQLite file at `path`. */
export function sqliteBatches(path: string): BatchWriter {
  return new SqliteBatchWriter(path);
}
