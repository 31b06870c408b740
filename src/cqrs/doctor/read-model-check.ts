import { setTimeout as sleep } from "node:timers/promises";
import type { OrmService } from "../database/orm-service.ts";
import { Unsound } from "../queries/unsound.ts";
import { readModelKeys } from "../redis/keys.ts";
import { ageOf, livesAt, parseReadModelName } from "../redis/read-model-name.ts";
import type { RedisConnection } from "../redis/redis-connection.ts";
import { isReplyError } from "../redis/redis-fault.ts";
import type { RedisService } from "../redis/redis-service.ts";
import type { Stream } from "../stream.ts";
import { CopiedRows, TooFarBehind, type WrongCopy } from "./copied-rows.ts";
import { Findings } from "./findings.ts";
import type { TableAndLog } from "./table-and-log.ts";

/** Rows that are compared at a time: their reading holds Redis up for a millisecond or so. */
const PORTION = 250;
/** How often it is begun anew because the read model was replaced meanwhile. */
const ATTEMPTS = 3;
/** How long a read model that is behind is given to catch up, in milliseconds: processes have it done in less. */
const PATIENCE = { looks: 10, ms: 100 };

const RESET =
  "A name that no version of this program gives is replaced by none: stop every process, and run npm run reset.";

/** Who wants to know how far it is. */
export type Progress = (what: string, done: number) => void;

/** Compares the read model in force with the table: each row and its place in the order, the sizes and the mark. */
export class ReadModelCheck<T extends object> {
  readonly #orm: OrmService;
  readonly #stream: Stream<T>;
  readonly #source: TableAndLog<T>;
  readonly #redis: RedisService;
  readonly #unlogged: ReadonlySet<string>;
  readonly #progress: Progress;

  /** `unlogged` are keys of rows that somebody has changed in the table: the read model is not to blame for these. */
  constructor(
    orm: OrmService,
    source: TableAndLog<T>,
    redis: RedisService,
    unlogged: ReadonlySet<string>,
    progress: Progress,
  ) {
    this.#orm = orm;
    this.#stream = source.stream;
    this.#source = source;
    this.#redis = redis;
    this.#unlogged = unlogged;
    this.#progress = progress;
  }

  /** @throws RedisUnavailable, and the server's own errors */
  async run(connection: RedisConnection, findings: Findings): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const { readModel } = await this.#stream.row();
      const part = new Findings(findings.of);
      if (readModel === null) part.note("no read model is in force: no process with Redis has started yet");
      else await this.#examine(readModel, connection, part);
      // whoever has replaced it knows why
      const isStill = (await this.#stream.row()).readModel === readModel;
      if (!isStill && attempt < ATTEMPTS) continue;
      if (isStill) findings.add(part);
      else
        findings.differ("read model", "the read model is replaced again and again, so that it could not be compared");
      return;
    }
  }

  async #examine(name: string, connection: RedisConnection, findings: Findings): Promise<void> {
    findings.readModel = name;
    const { version } = this.#stream.definition.format;
    const parsed = parseReadModelName(name);
    if (!parsed) return findings.differ("read model", "the read model has a name that is none", RESET);
    if (ageOf(parsed, version) === "newer")
      return findings.note("the read model is of a newer version of this program, which alone can look at it");
    if (!livesAt(name, connection, version)) {
      const what =
        ageOf(parsed, version) === "older" ? "of an older version" : "on another Redis, or of its run before";
      return findings.differ("read model", `the read model is ${what}, so that the database answers`);
    }
    const keys = readModelKeys(this.#stream.definition.name, name);
    try {
      await this.#redis.withOwnConnection(connection, keys.rows, async (own) => {
        await this.#compare(new CopiedRows(this.#orm, this.#source, own, keys), findings);
      });
    } catch (error) {
      const isOther = isReplyError(error, "WRONGTYPE");
      if (!isOther && !(error instanceof Unsound) && !(error instanceof TooFarBehind)) throw error;
      const what = isOther ? "has a key of another type" : (error as Error).message;
      findings.differ("read model", `the read model ${what}`);
    }
  }

  async #compare(copied: CopiedRows<T>, findings: Findings): Promise<void> {
    if (!(await this.#isOfThisHistory(copied, findings))) return;
    const tell = ({ key, what }: WrongCopy<T>) => {
      if (this.#unlogged.has(key)) return;
      findings.differ("read model", `the row ${JSON.stringify(key)} of the read model ${what}`);
    };
    let count = 0;
    for await (const keys of this.#keysInTable()) {
      for (const wrong of await copied.wrong(keys)) if (!wrong.isLeftOver) tell(wrong);
      count += keys.length;
      this.#progress("rows of the read model", count);
    }
    findings.seen.set("rows of the read model", count);
    const { fields, members, rows } = await copied.sizes();
    if (fields !== members) {
      findings.differ("read model", `the read model has ${fields} rows, and ${members} places in the order`);
    }
    // what is left over is counted; to name it takes longer
    if (!findings.has("read model") && fields === rows && members === rows) return;
    for await (const keys of copied.scanned("rows")) {
      for (const wrong of keys.length > 0 ? await copied.wrong(keys) : []) if (wrong.isLeftOver) tell(wrong);
    }
    for await (const all of copied.scanned("order")) await this.#lookAtPlaces(copied, all, tell, findings);
  }

  /** The places in the order that no row has, or that are not those of their rows. */
  async #lookAtPlaces(
    copied: CopiedRows<T>,
    members: readonly string[],
    tell: (wrong: WrongCopy<T>) => void,
    findings: Findings,
  ): Promise<void> {
    const keyOf = (member: string) => member.slice(member.indexOf("\0") + 1);
    const keys = members.filter((member) => copied.member(keyOf(member)) === member).map(keyOf);
    for (const member of members) {
      if (copied.member(keyOf(member)) === member) continue;
      findings.differ("read model", `${JSON.stringify(member)} is no place in the order of the read model`);
    }
    const wrong = keys.length > 0 ? await copied.wrong(keys) : [];
    for (const one of wrong) if (one.isLeftOver && /no row$/.test(one.what)) tell(one);
  }

  /** Whether the log has its mark; how far it is behind that. @throws Unsound */
  async #isOfThisHistory(copied: CopiedRows<T>, findings: Findings): Promise<boolean> {
    for (let look = 1; ; look++) {
      const { revision } = await this.#stream.row();
      // Redis first, then the log: whatever the mark says was committed before it was written
      const { mark } = await copied.at([]);
      if (!(await this.#stream.lookUp(mark)).isKnown) {
        findings.differ(
          "read model",
          `the read model is of another history: the log has no revision ${mark.revision} like its`,
        );
        return false;
      }
      const behind = revision - mark.revision;
      if (behind <= 0) return true;
      if (look === PATIENCE.looks) {
        findings.note(`the read model is ${behind} revisions behind, which is caught up when a process reads it`);
        return true;
      }
      await sleep(PATIENCE.ms);
    }
  }

  /** The keys of the table, in short reads: what the read model is compared with is to be of its own time. */
  async *#keysInTable(): AsyncGenerator<readonly string[]> {
    const { table, mapper, definition } = this.#source;
    const column = mapper.columns[definition.key] as string;
    for (let last = -1; ; ) {
      const rows = await this.#orm.sql((sql) =>
        sql
          .selectFrom(table)
          .select(["id", `${column} as key`])
          .where("id", ">", last)
          .orderBy("id")
          .limit(PORTION)
          .execute(),
      );
      if (rows.length > 0) yield rows.map(({ key }) => String(key));
      if (rows.length < PORTION) return;
      last = Number(rows.at(-1)?.id);
    }
  }
}
