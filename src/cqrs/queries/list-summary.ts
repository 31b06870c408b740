import { sql as expression } from "kysely";
import { type Access, allHold, columnsIn, compares, rowsBy, testsAfter } from "./list-conditions.ts";
import type { Matches, Snapshot } from "./list-matches.ts";
import { COUNTED, type FacetCounts, type FacetQuestion, type ListPage, type ListQuestion } from "./list-question.ts";
import type { Select } from "./table-rows.ts";

/** So many rows are looked at by one statement. */
const PORTION = 4000;

/** As many rows are counted to tell which of several ways is the shortest. */
const BROAD = 100_000;

type Summary = Pick<ListPage<never>, "total" | "facets">;

/** What is said of all matches of a question, as far as it is asked for: each is counted, of at most {@link COUNTED}. */
export async function summaryOf(snapshot: Snapshot, question: ListQuestion, matches: Matches): Promise<Summary> {
  const { conditions, facets, withTotal } = question;
  if (!withTotal && facets.length === 0) return { total: undefined, facets: undefined };
  if (conditions.length === 0 && facets.length === 0) return { total: await countAll(snapshot), facets: undefined };
  let shortest = await matches.accesses.shortest(COUNTED);
  if (
    shortest &&
    facets.length === 0 &&
    testsAfter(shortest.access, conditions).length === 0 &&
    !("oneOf" in shortest.access)
  )
    return { total: bounded(shortest.count), facets: undefined };
  // of two broad ways one may be much broader than the other
  if (conditions.length > 1 && shortest && shortest.count > COUNTED) shortest = await matches.accesses.shortest(BROAD);
  const { count, counts } = await countMatches(snapshot, question, shortest?.access);
  const total = conditions.length === 0 ? await countAll(snapshot) : bounded(count);
  return {
    total: withTotal ? total : undefined,
    facets: facets.length > 0 ? { counts, isExact: count <= COUNTED } : undefined,
  };
}

function bounded(count: number) {
  return { count: Math.min(count, COUNTED), isExact: count <= COUNTED };
}

async function countAll({ sql, table }: Snapshot) {
  const all = sql.selectFrom(table).select(expression<number>`count(*)`.as("count"));
  return { count: Number((await all.executeTakeFirstOrThrow()).count), isExact: true };
}

/** Counts the matches in portions, up to one more than are counted, by the way that `access` leads. */
async function countMatches(snapshot: Snapshot, { conditions, facets }: ListQuestion, access: Access | undefined) {
  const { sql, table, nextPortion } = snapshot;
  const tests = access ? testsAfter(access, conditions) : conditions;
  const { rows: found, by } = access ? rowsBy(snapshot, access) : { rows: sql.selectFrom(table), by: ["id"] };
  const columns = [...new Set([...(by ?? ["id"]), ...columnsIn(tests), ...facets.map(({ column }) => column)])];
  const counts = facets.map(() => new Map<string, number>());
  let count = 0;
  for (let last: Record<string, string | number> | undefined; ; ) {
    await nextPortion();
    let rows: Select = found.select(columns);
    if (by && last) rows = rows.where(compares(by, ">", Object.values(last)));
    for (const column of by ?? []) rows = rows.orderBy(column);
    const wanted = COUNTED + 1 - count;
    // what cannot be walked is looked at by one statement, which ends when it has enough
    const portion = by ? rows.limit(PORTION) : rows;
    const matching = sql.selectFrom(portion.as("portion")).where(allHold(tests)).selectAll().limit(wanted);
    const counted = await sql
      .with(
        (cte) => cte("match").materialized(),
        () => matching,
      )
      .selectFrom(expression`(${countsOf(facets, wanted - 1)})`.as("counts"))
      .selectAll()
      .execute();
    for (const { facet, value, number } of counted) {
      if (Number(facet) < 0) count += Number(number);
      else add(counts[Number(facet)] as Map<string, number>, String(value), Number(number));
    }
    if (count > COUNTED || !by) break;
    const end = rows
      .clearSelect()
      .select(by)
      .limit(1)
      .offset(PORTION - 1);
    last = await end.executeTakeFirst();
    if (!last) break;
  }
  return { count, counts: counts as readonly FacetCounts[] };
}

/** One row for each value of each facet, and one for all matches, whose facet is -1. */
function countsOf(facets: readonly FacetQuestion[], most: number) {
  const all = expression`select -1 as facet, '' as value, count(*) as number from match`;
  const each = facets.map(({ column, isPositive }, facet) => {
    const ref = expression.ref(column);
    const value = isPositive ? expression`case when ${ref} > 0 then 'true' else 'false' end` : ref;
    return expression`select ${expression.lit(facet)} as facet, ${value} as value, count(*) as number
      from (select * from match limit ${expression.lit(most)}) as counted where ${ref} is not null group by 2`;
  });
  return expression.join([all, ...each], expression` union all `);
}

function add(counts: Map<string, number>, value: string, more: number): void {
  counts.set(value, (counts.get(value) ?? 0) + more);
}
