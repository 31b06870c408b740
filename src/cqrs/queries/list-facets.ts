import { sql as expression, type RawBuilder } from "kysely";
import type { Snapshot, Source } from "./list-conditions.ts";
import { COUNTED, type FacetCounts, type FacetQuestion } from "./list-question.ts";
import type { Select } from "./table-rows.ts";

/** What is told of a value: the number of its facet, and how many rows have it. */
interface CountedValue {
  readonly facet: number;
  readonly value: string | null;
  readonly number: number;
}

/** The ids that a statement finds, and how frequent the values of these rows are, of at most {@link COUNTED}. */
export interface CountedRows {
  readonly ids: readonly number[];
  readonly facets: readonly FacetCounts[];
}

/** One text: thousands of rows take the event loop milliseconds. */
const IDS = expression<string | null>`string_agg(cast(id as text), ',')`;

/** The columns that have the values. */
export function facetColumns(facets: readonly FacetQuestion[]): string[] {
  return [...new Set(facets.map(({ column }) => column))];
}

/** Runs a statement for ids and {@link facetColumns}, of which each row is counted while it is at hand. */
export async function countRows(
  { sql }: Snapshot,
  facets: readonly FacetQuestion[],
  rows: Select,
): Promise<CountedRows> {
  if (facets.length === 0) return { ids: await idsOf({ sql }, rows), facets: [] };
  const ids = expression`select -1 as facet, ${IDS} as value, 0 as number from found`;
  const counted = await sql
    .with(
      (cte) => cte("found").materialized(),
      () => rows,
    )
    .with("match", (db) => db.selectFrom("found").selectAll().limit(COUNTED))
    .selectFrom(union([ids, ...frequencies(facets)]).as("counts"))
    .selectAll()
    .$castTo<CountedValue>()
    .execute();
  const found = counted.find(({ facet }) => Number(facet) < 0);
  return { ids: idsIn(found?.value), facets: countsIn(facets, counted) };
}

/** The ids of the rows that a statement finds. */
export async function idsOf({ sql }: Pick<Source, "sql">, rows: Select): Promise<number[]> {
  const { found } = await sql.selectFrom(rows.as("found")).select(IDS.as("found")).executeTakeFirstOrThrow();
  return idsIn(found);
}

function idsIn(text: string | null | undefined): number[] {
  return text ? text.split(",").map(Number) : [];
}

/** How frequent the values are in the rows of these ids. */
export async function countsAmong(
  { sql, table, isAmong, nextPortion }: Snapshot,
  facets: readonly FacetQuestion[],
  ids: readonly number[],
): Promise<readonly FacetCounts[]> {
  await nextPortion();
  const rows = sql
    .selectFrom(table)
    .select(facetColumns(facets))
    .where(isAmong("id", ids.slice(0, COUNTED)));
  const counted = await sql
    .with(
      (cte) => cte("match").materialized(),
      () => rows,
    )
    .selectFrom(union(frequencies(facets)).as("counts"))
    .selectAll()
    .$castTo<CountedValue>()
    .execute();
  return countsIn(facets, counted);
}

/** For each facet, a statement for its most frequent values among the rows of `match`. */
function frequencies(facets: readonly FacetQuestion[]): RawBuilder<unknown>[] {
  return facets.map(({ column, isPositive, most }, facet) => {
    const ref = expression.ref(column);
    const value = isPositive ? expression`case when ${ref} > 0 then 'true' else 'false' end` : ref;
    // in parentheses of its own: SQLite takes no limit in the parts of a union
    return expression`select * from (select ${expression.lit(facet)} as facet, ${value} as value, count(*) as number
      from match where ${ref} is not null group by 2 order by 3 desc, 2 limit ${expression.lit(most)}) as counted`;
  });
}

function union(parts: readonly RawBuilder<unknown>[]): RawBuilder<CountedValue> {
  return expression<CountedValue>`(${expression.join(parts, expression` union all `)})`;
}

function countsIn(facets: readonly FacetQuestion[], counted: readonly CountedValue[]): FacetCounts[] {
  const counts = facets.map(() => new Map<string, number>());
  for (const { facet, value, number } of counted) counts[Number(facet)]?.set(String(value), Number(number));
  return counts;
}
