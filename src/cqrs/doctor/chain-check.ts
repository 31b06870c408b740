import type { Sql } from "../database/engine.ts";
import type { Findings } from "./findings.ts";
import { RESTORE_LOG } from "./log-check.ts";
import type { Link, TableAndLog } from "./table-and-log.ts";

/** The stream's row, as whoever examines it needs it. */
export interface ExaminedRow extends Link {
  readonly trimmedTo: number;
  readonly readModel: string | null;
  readonly leaseMs: number;
}

const RESTORE =
  "The stream's row and the log do not belong together: stop every process and restore a backup (npm run restore).";

/** The row of a stream in a snapshot. @throws Error when there is none */
export async function examinedRow(sql: Sql, stream: string): Promise<ExaminedRow> {
  const row = await sql.selectFrom("stream").selectAll().where("name", "=", stream).executeTakeFirst();
  if (!row) throw new Error(`the table stream has no row for ${stream}`);
  return {
    revision: Number(row.revision),
    token: row.token,
    previousToken: row.previous_token,
    trimmedTo: Number(row.trimmed_to),
    readModel: row.read_model,
    leaseMs: Number(row.lease_ms),
  };
}

/** Follows the log from where it was trimmed to the stream's row: without a gap, each entry on top of the one before. */
export async function checkChain<T extends object>(
  sql: Sql,
  source: TableAndLog<T>,
  row: ExaminedRow,
  findings: Findings,
): Promise<void> {
  const { revision, trimmedTo } = row;
  if (trimmedTo < 0 || trimmedTo > revision) {
    findings.differ("log", `the log is said to be trimmed up to revision ${trimmedTo}, of ${revision}`, RESTORE);
  }
  let last: Link | undefined;
  for await (const links of source.links(sql, Math.max(0, trimmedTo))) {
    for (const link of links) {
      const expected = (last?.revision ?? Math.max(0, trimmedTo)) + 1;
      if (link.revision !== expected) {
        const end = link.revision - 1;
        findings.differ("log", `the log lacks revision ${expected}${end > expected ? ` to ${end}` : ""}`, RESTORE_LOG);
      } else if (last && link.previousToken !== last.token) {
        findings.differ("log", `revision ${link.revision} was not made from revision ${last.revision}`, RESTORE_LOG);
      }
      last = link;
    }
  }
  const newest = last?.revision ?? Math.max(0, trimmedTo);
  if (newest !== revision) {
    findings.differ("log", `the stream is at revision ${revision}, and the log ends with ${newest}`, RESTORE);
  } else if (last && (last.token !== row.token || last.previousToken !== row.previousToken)) {
    findings.differ("log", `the stream is at revision ${revision} of another history than the log`, RESTORE);
  }
}
