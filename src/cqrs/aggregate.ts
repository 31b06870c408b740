import type { Logger } from "pino";
import { CommandQueue } from "./commands/command-queue.ts";
import { StreamWriter } from "./commands/stream-writer.ts";
import { Counts } from "./counts.ts";
import type { OrmService } from "./database/orm-service.ts";
import { Derivation } from "./derivation.ts";
import { LogTrimmer } from "./log-trimmer.ts";
import { ChangeLog } from "./queries/change-log.ts";
import { Head } from "./queries/head.ts";
import { ANYBODY, type LargeLists } from "./queries/large-lists.ts";
import { LiveChanges } from "./queries/live-changes.ts";
import type { ReadModel } from "./queries/read-model.ts";
import { Reader } from "./queries/reader.ts";
import { TableReads } from "./queries/table-reads.ts";
import type { RedisService } from "./redis/redis-service.ts";
import { Stream, type StreamDefinition } from "./stream.ts";

/** What all aggregates of a process share. */
export interface Stores {
  readonly orm: OrmService;
  readonly redis: RedisService;
  readonly large: LargeLists;
  /** How long change logs are kept, in milliseconds; undefined: for ever. */
  readonly keepLogMs: number | undefined;
  readonly log: Logger;
}

/** The aggregate's own class of read model. */
export type ReadModelClass<T extends object> = new (
  ...parts: ConstructorParameters<typeof ReadModel<T>>
) => ReadModel<T>;

/** The kernel's parts for one aggregate: `commands` for its command side, `reader` and `live` for its query side. */
export interface Aggregate<T extends object> {
  readonly commands: CommandQueue<T>;
  readonly reader: Reader<T>;
  readonly live: LiveChanges<T>;
  /** The first thing that it does with the database: the lease is at least `leaseMs` from then on. */
  raiseLease(leaseMs: number): Promise<void>;
  /**
   * Makes what is derived of the table where it is stale, and then starts to keep the read model, if there is a Redis, and the
   * change log no longer than it is to be kept.
   */
  start(): Promise<void>;
  /** Stops what `start` began, and waits for what is under way. */
  stop(): Promise<void>;
  /** Looks the stream's row up, and throws when the database does not answer. */
  lookUp(): Promise<unknown>;
  /** See {@link ReadModel.renew}. */
  renewReadModel(name: string): Promise<boolean>;
  /** Whether Redis refuses what the read model needs. */
  readonly refused: boolean;
  /** What has happened to it, and how it is, for whoever looks after the process. */
  readonly health: StreamHealth;
}

/** How a stream is, in this process. */
export interface StreamHealth {
  readonly name: string;
  readonly counts: Counts;
  /** The newest revision that this process knows. */
  readonly revision: number;
  /** How old the newest look-up of the row is, in milliseconds; undefined where none are made. */
  readonly lookUpAgeMs: number | undefined;
  /** By how many revisions the read model was behind when it was last seen; undefined while it is not read. */
  readonly lag: number | undefined;
  /** How many commands wait for the next transaction. */
  readonly waiting: number;
}

/** Wires the kernel's parts for one stream. It begins nothing. */
export function openAggregate<T extends object>(
  definition: StreamDefinition<T>,
  readModelClass: ReadModelClass<T>,
  { orm, redis, large, keepLogMs, log }: Stores,
): Aggregate<T> {
  const counts = new Counts();
  const stream = new Stream(orm, definition);
  const derivation = new Derivation(orm, definition);
  const table = new TableReads(orm, stream, derivation);
  const head = new Head(stream, log);
  const readModel = new readModelClass(stream, table, head, redis, log, counts);
  const commands = new CommandQueue(definition.name, new StreamWriter(orm, definition), readModel, counts);
  const trimmer = new LogTrimmer(orm, definition, keepLogMs, log);
  const live = new LiveChanges(definition.name, new ChangeLog(table.log, large.askedBy(ANYBODY)), head, redis);
  return {
    live,
    commands,
    reader: new Reader(definition.name, readModel, table, head, redis, large, counts),
    raiseLease: (leaseMs) => stream.raiseLease(leaseMs),
    start: async () => {
      await derivation.start(log);
      trimmer.start();
      await readModel.start();
    },
    stop: async () => {
      live.stop();
      await Promise.all([trimmer.stop(), readModel.stop()]);
    },
    lookUp: () => head.lookUp(),
    renewReadModel: (name) => readModel.renew(name),
    get refused() {
      return readModel.refused;
    },
    get health() {
      const { lookUpAgeMs, revision } = head;
      return { name: definition.name, counts, revision, lookUpAgeMs, lag: readModel.lag, waiting: commands.waiting };
    },
  };
}
