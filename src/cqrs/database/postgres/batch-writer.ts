import { DatabaseError, type PoolClient } from "pg";
import { type Batch, decideBatch, type KeyMap, keysBeside, keysOf, type Writes } from "../../batch.ts";
import { derivedValues } from "../../derived.ts";
import type { Keyed } from "../../instances.ts";
import { doneOf, PRUNED_PER_KEY } from "../kept-keys.ts";
import {
  BatchFailure,
  type BatchStream,
  type BatchWriter,
  type Committed,
  logRow,
  type StreamTable,
} from "../stream-table.ts";
import { batchStatements } from "./batch-statements.ts";
import type { Connections } from "./connections.ts";
import { BEGIN } from "./dialect.ts";
import { fly, type Statement } from "./flight.ts";

const ROLLBACK: Statement = { text: "rollback" };

/**
 * Commits batches in two round trips each, however many commands they have: one that takes the lock of the stream's row and
 * loads what the commands are about, and one that writes what they were decided to do, and commits it.
 */
class PostgresBatchWriter implements BatchWriter {
  readonly #connections: Connections;
  readonly #statements = new Map<StreamTable, ReturnType<typeof batchStatements>>();

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  async prepare(): Promise<void> {}

  async commit(stream: BatchStream, batch: Batch<never>): Promise<Committed> {
    const client = await this.#connections.connect().catch((error) => {
      throw new BatchFailure(error, false);
    });
    const { table, decisions } = stream;
    let isIdle = false;
    try {
      const { row, loaded, ids, done } = await this.#load(client, stream, batch);
      const nextId = () => ids.shift() ?? missingId();
      const shape = { properties: Object.keys(table.columns), unique: table.unique };
      const at = new Date().toISOString();
      const { outcomes, writes } = decideBatch(decisions, batch, row, shape, loaded, nextId, at, done);
      if (writes.changes.length > 0 || writes.repeated) await this.#write(client, stream, writes, at);
      else await fly(client, [ROLLBACK]);
      isIdle = client.getTransactionStatus() === "I";
      return { outcomes, ...row };
    } catch (error) {
      const failure = error instanceof BatchFailure ? error : new BatchFailure(error, false);
      // when the server itself has refused, it is there to end the transaction
      if (failure.cause instanceof DatabaseError && !failure.committing) {
        const { failure: lost } = await fly(client, [ROLLBACK]);
        isIdle = !lost && client.getTransactionStatus() === "I";
      }
      throw failure;
    } finally {
      client.release(!isIdle);
    }
  }

  async close(): Promise<void> {}

  async #load(client: PoolClient, stream: BatchStream, batch: Batch<never>) {
    const { table, decisions } = stream;
    const { lock, ids, done } = this.#of(table);
    const keys = keysOf(decisions, batch);
    const once = batch.asked.flatMap((one) => one.once ?? []);
    const added = batch.asked.filter(({ command }) => decisions.adds(command)).length;
    const asking = {
      text: done,
      values: [table.stream, once.map(({ subject }) => subject), once.map(({ key }) => key)],
    };
    const { results, failure } = await fly(client, [
      { text: BEGIN },
      { text: lock, values: [table.stream] },
      ...(once.length > 0 ? [asking] : []),
      ...(keys.size > 0 ? [this.#finding(table, keys)] : []),
      ...(added > 0 ? [{ text: ids, values: [`"${table.table}"`, added] }] : []),
    ]);
    if (failure) throw new BatchFailure(failure, false);
    const [, locked, ...more] = results;
    const [row] = locked?.rows ?? [];
    if (!row) throw new Error(`the table stream has no row for ${table.stream}`);
    const kept = once.length > 0 ? more.shift() : undefined;
    const loaded = keys.size > 0 ? instancesOf(more[0]?.rows, stream) : [];
    return {
      row: { revision: Number(row.revision), token: row.token, readModel: row.read_model, leaseMs: row.lease_ms },
      loaded: [...loaded, ...(await this.#loadBeside(client, stream, loaded))],
      ids: added > 0 ? (more.at(-1)?.rows ?? []).map(({ id }) => id as number) : [],
      done: (kept?.rows ?? []).map((one) => doneOf<Keyed>(one)),
    };
  }

  /** What must be known as well because of what was loaded, which takes a round trip more. */
  async #loadBeside(client: PoolClient, stream: BatchStream, loaded: readonly Keyed[]): Promise<Keyed[]> {
    const keys = keysBeside(stream.decisions, loaded);
    if (keys.size === 0) return [];
    const { results, failure } = await fly(client, [this.#finding(stream.table, keys)]);
    if (failure) throw new BatchFailure(failure, false);
    const known = new Set(loaded.map(({ id }) => id));
    return instancesOf(results[0]?.rows, stream).filter(({ id }) => !known.has(id));
  }

  #finding(table: StreamTable, keys: KeyMap): Statement {
    return { text: this.#of(table).find([...keys.keys()]), values: [...keys.values()] };
  }

  async #write(client: PoolClient, stream: BatchStream, writes: Writes<Keyed>, at: string): Promise<void> {
    const { table } = stream;
    const { deleted, parked, updated, added, changes, kept, repeated } = writes;
    const of = this.#of(table);
    const last = changes.at(-1);
    const rows = (instances: readonly object[]) => JSON.stringify(instances.map((one) => inColumns(one, stream)));
    const statements = [
      ...(last ? [{ text: of.move, values: [table.stream, last.revision, last.token, last.previousToken] }] : []),
      ...(deleted.length > 0 ? [{ text: of.delete, values: [deleted] }] : []),
      ...(parked.length > 0 ? [{ text: of.park, values: [parked] }] : []),
      ...(updated.length > 0 ? [{ text: of.update, values: [rows(updated)] }] : []),
      ...(added.length > 0 ? [{ text: of.insert, values: [rows(added)] }] : []),
      ...(last ? [{ text: of.log, values: [JSON.stringify(changes.map((change) => logRow(change, at)))] }] : []),
      ...(kept.length > 0
        ? [{ text: of.keep, values: [table.stream, JSON.stringify(kept), kept.length * PRUNED_PER_KEY] }]
        : []),
      ...(!last && repeated ? [{ text: of.touch, values: [table.stream, repeated.subject, repeated.key] }] : []),
      { text: "commit" },
    ];
    const { results, failure, failedAt } = await fly(client, statements);
    const commit = results.at(-1);
    if (commit?.command === "COMMIT") return;
    // after a failure the server takes a commit for a roll-back, and says so
    const rolledBack = commit !== undefined || (failedAt < results.length - 1 && isOfServer(failure));
    if (rolledBack) throw new BatchFailure(failure, false);
    throw new BatchFailure(failure, !(isOfServer(failure) && (await this.#isStillThere(client))));
  }

  /** A server that ends the session does not answer this, and may have committed. One that answers has refused to. */
  async #isStillThere(client: PoolClient): Promise<boolean> {
    return !(await fly(client, [ROLLBACK])).failure;
  }

  #of(table: StreamTable) {
    const statements = this.#statements.get(table) ?? batchStatements(table);
    this.#statements.set(table, statements);
    return statements;
  }
}

/** Whether the server itself has refused a statement, and so all after it. What a pooler says may have come too late. */
function isOfServer(failure: Error | undefined): boolean {
  return failure instanceof DatabaseError && failure.routine !== undefined;
}

function instancesOf(rows: readonly object[] | undefined, { mapper }: BatchStream): Keyed[] {
  return (rows ?? []).map((row): Keyed => mapper.instance(row));
}

function inColumns(instance: object, { table, derived, mapper }: BatchStream): object {
  const own = Object.entries(table.columns).map(([property, column]) => [
    column,
    mapper.toJson(property, (instance as Record<string, unknown>)[property]),
  ]);
  const values = derived ? derivedValues(derived, instance as never) : [];
  return Object.fromEntries([...own, ...values.map((value, i) => [table.derived?.columns[i], value])]);
}

function missingId(): never {
  throw new Error("the command adds an instance and has not said so");
}

/** What commits batches over these connections, which it does not close. */
export function postgresBatches(connections: Connections): BatchWriter {
  return new PostgresBatchWriter(connections);
}
