import { sql as expression } from "kysely";
import type { Sql } from "../database/engine.ts";
import { KEPT_SECONDS } from "../database/kept-keys.ts";
import type { ExaminedRow } from "./chain-check.ts";
import type { Findings } from "./findings.ts";
import type { TableAndLog } from "./table-and-log.ts";

/** Some keys whose time is nearly over are left out: while it is looked, the log may be trimmed of what they stood for. */
const MARGIN_SECONDS = 60;

const KEY_REMEDY =
  "What was done under such a key nobody knows any more: who sends it again within its day is answered by an error.";

/** Looks whether each key that counts stands for a change that the log has. Names of keys and of whom they are of are not told. */
export async function checkKeptKeys<T extends object>(
  sql: Sql,
  { definition: { name, changes } }: TableAndLog<T>,
  { revision }: ExaminedRow,
  now: string,
  findings: Findings,
): Promise<void> {
  const counting = expression<boolean>`kept.at > ${expression.raw(now)} / 1000 - ${KEPT_SECONDS - MARGIN_SECONDS}`;
  const { rows } = await expression<{ revision: number | string; count: number | string }>`
    select kept.revision as revision, count(*) as count from idempotency_key as kept
      left join ${expression.table(changes)} as log on log.revision = kept.revision
      where kept.stream = ${name} and log.revision is null and (kept.revision > ${revision} or ${counting})
      group by kept.revision order by kept.revision`.execute(sql);
  for (const row of rows) {
    const [of, keys] = [Number(row.revision), Number(row.count) === 1 ? "a key stands" : `${row.count} keys stand`];
    if (of > revision) findings.differ("keys", `${keys} for revision ${of}, which this history does not have`);
    else findings.differ("keys", `${keys} for revision ${of}, which the log does not have`, KEY_REMEDY);
  }
}

/** Forgets the keys that stand for what was never done in this history. */
export async function forgetKeysBeyond(sql: Sql, stream: string): Promise<number> {
  const { numDeletedRows } = await sql
    .deleteFrom("idempotency_key")
    .where("stream", "=", stream)
    .where("revision", ">", sql.selectFrom("stream").select("revision").where("name", "=", stream) as never)
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}
