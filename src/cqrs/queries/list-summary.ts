import { sql as expression } from "kysely";
import type { Snapshot } from "./list-conditions.ts";
import { countedIds } from "./list-counting.ts";
import type { Matches } from "./list-matches.ts";
import { COUNTED, type FacetCounts, type FacetQuestion, type ListPage, type ListQuestion } from "./list-question.ts";

type Summary = Pick<ListPage<never>, "total" | "facets">;

/** What is said of all matches of a question, as far as it is asked for: each is counted, of at most {@link COUNTED}. */
export async function summaryOf(snapshot: Snapshot, question: ListQuestion, { accesses }: Matches): Promise<Summary> {
  const { conditions, facets, withTotal } = question;
  const isAll = conditions.length === 0;
  const found =
    facets.length > 0 || (withTotal && !isAll)
      ? await countedIds(snapshot, conditions, accesses, facets.length > 0)
      : undefined;
  const isExact = found !== undefined && found.count <= COUNTED;
  const counted = found && { count: Math.min(found.count, COUNTED), isExact };
  return {
    total: withTotal ? (isAll ? await countAll(snapshot) : counted) : undefined,
    facets: found && facets.length > 0 ? { counts: await countsOf(snapshot, facets, found.ids), isExact } : undefined,
  };
}

async function countAll({ sql, table, nextPortion }: Snapshot) {
  await nextPortion();
  const all = sql.selectFrom(table).select(expression<number>`count(*)`.as("count"));
  return { count: Number((await all.executeTakeFirstOrThrow()).count), isExact: true };
}

/** How often each value is there in these rows. */
async function countsOf(
  { sql, table, isAmong, nextPortion }: Snapshot,
  facets: readonly FacetQuestion[],
  ids: readonly number[],
): Promise<readonly FacetCounts[]> {
  await nextPortion();
  const columns = [...new Set(facets.map(({ column }) => column))];
  const each = facets.map(({ column, isPositive, most }, facet) => {
    const ref = expression.ref(column);
    const value = isPositive ? expression`case when ${ref} > 0 then 'true' else 'false' end` : ref;
    // in parentheses of its own: SQLite takes no limit in the parts of a union
    return expression`select * from (select ${expression.lit(facet)} as facet, ${value} as value, count(*) as number
      from match where ${ref} is not null group by 2 order by 3 desc, 2 limit ${expression.lit(most)}) as counted`;
  });
  const counted = await sql
    .with(
      (cte) => cte("match").materialized(),
      () =>
        sql
          .selectFrom(table)
          .select(columns)
          .where(isAmong("id", ids.slice(0, COUNTED))),
    )
    .selectFrom(
      expression<{
        facet: number;
        value: string;
        number: number;
      }>`(${expression.join(each, expression` union all `)})`.as("counts"),
    )
    .selectAll()
    .execute();
  const counts = facets.map(() => new Map<string, number>());
  for (const { facet, value, number } of counted) counts[Number(facet)]?.set(String(value), Number(number));
  return counts;
}
