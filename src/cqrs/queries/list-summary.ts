import { sql as expression } from "kysely";
import type { Snapshot } from "./list-conditions.ts";
import { countMatches } from "./list-counting.ts";
import type { Matches } from "./list-matches.ts";
import { COUNTED, type ListPage, type ListQuestion } from "./list-question.ts";

type Summary = Pick<ListPage<never>, "total" | "facets">;

/** What is said of all matches of a question, as far as it is asked for: each is counted, of at most {@link COUNTED}. */
export async function summaryOf(snapshot: Snapshot, question: ListQuestion, { accesses }: Matches): Promise<Summary> {
  const { conditions, facets, withTotal } = question;
  const isAll = conditions.length === 0;
  const found =
    facets.length > 0 || (withTotal && !isAll) ? await countMatches(snapshot, conditions, accesses, facets) : undefined;
  const isExact = found !== undefined && found.count <= COUNTED;
  const counted = found && { count: Math.min(found.count, COUNTED), isExact };
  return {
    total: withTotal ? (isAll ? await countAll(snapshot) : counted) : undefined,
    facets: found && facets.length > 0 ? { counts: found.facets, isExact } : undefined,
  };
}

async function countAll({ sql, table, nextPortion }: Snapshot) {
  await nextPortion();
  const all = sql.selectFrom(table).select(expression<number>`count(*)`.as("count"));
  return { count: Number((await all.executeTakeFirstOrThrow()).count), isExact: true };
}
