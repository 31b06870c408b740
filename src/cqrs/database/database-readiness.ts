import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import { within } from "../deadline.ts";
import { StartupError } from "../errors.ts";
import type { StreamDefinition } from "../stream.ts";
import type { TableUse } from "./engine.ts";
import { lockStreams } from "./lock-streams.ts";
import type { OrmService } from "./orm-service.ts";
import { tableUses } from "./table-uses.ts";

/** How long a check may take, in milliseconds: whoever asks waits for it. */
const TIMEOUT_MS = 2000;
/** What the probing write writes. Random, as databases compress. */
const FILLER_BYTES = 48_000;

/**
 * Whether the database can be read and written as the streams need it. Reads and rights are asked for each time. A
 * write is tried only when that is in doubt: at first, and after a write of the service has failed. Else each probe of
 * a load balancer would be a commit.
 */
export class DatabaseReadiness {
  readonly #orm: OrmService;
  // biome-ignore lint/suspicious/noExplicitAny: one for each stream, whatever it is of
  readonly #streams: readonly StreamDefinition<any>[];
  readonly #trims: boolean;
  #probing: Promise<unknown> | undefined;
  #reason: string | undefined;

  /** `trims` says whether entries of the change logs are removed, which needs a right of its own. */
  // biome-ignore lint/suspicious/noExplicitAny: see above
  constructor(orm: OrmService, streams: readonly StreamDefinition<any>[], trims = false) {
    this.#orm = orm;
    this.#streams = streams;
    this.#trims = trims;
  }

  /** @throws StartupError with a line for each table or right that is missing */
  async requireRights(): Promise<void> {
    const faults = await this.#orm.missingRights(this.#uses());
    if (faults.length > 0) throw new StartupError(faults.map((fault) => `DATABASE_URL: ${fault}`));
  }

  /** Whether everything works now; a reason why not is logged when it is another than before. */
  async check(log: Logger): Promise<boolean> {
    const reason = await within(TIMEOUT_MS, this.#fault()).catch((error: Error) => reasonOf(error));
    if (reason !== undefined && reason !== this.#reason) log.error({ reason }, "the database is not ready");
    this.#reason = reason;
    return reason === undefined;
  }

  async #fault(): Promise<string | undefined> {
    const faults = await this.#orm.missingRights(this.#uses());
    if (faults.length > 0) return faults.join(" ");
    // one that waits for the row's lock serves all who ask meanwhile
    this.#probing ??= this.#orm
      .settleWrites((tx) => this.#write(tx))
      .finally(() => {
        this.#probing = undefined;
      });
    await this.#probing;
    return undefined;
  }

  /** Takes the lock that every command takes, and writes as much as the largest of them: a small one may still fit. */
  async #write(tx: OrmService): Promise<void> {
    const names = this.#streams.map(({ name }) => name);
    const filler = randomBytes(FILLER_BYTES).toString("base64");
    await tx.sql(async (sql) => {
      await lockStreams(sql, names);
      await sql.updateTable("write_probe").set({ filler }).where("id", "=", 1).execute();
    });
  }

  #uses(): readonly TableUse[] {
    return tableUses(this.#streams, (entity) => this.#orm.table(entity).name, this.#trims);
  }
}

/** What the client's words keep to themselves. */
function reasonOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}
