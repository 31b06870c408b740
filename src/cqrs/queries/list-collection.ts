import { sql as expression } from "kysely";
import type { Counted } from "./list-accesses.ts";
import { allHold, columnsIn, type Snapshot } from "./list-conditions.ts";
import {
  columnsOf,
  inSegments,
  isEarlier,
  type Place,
  placesIn,
  SEGMENT,
  type Span,
  segmentOf,
  walking,
} from "./list-order.ts";
import type { ListQuestion, Scalar, Segment } from "./list-question.ts";
import { type Access, endOfPortion, type Part, rowsBy, testsAfter, walkedBy } from "./list-ways.ts";
import type { Select } from "./table-rows.ts";

/** So many rows are collected by one statement. */
const PORTION = 5000;

/** Which of the matches are wanted: the first of the span, or the last; those in one segment alone, if `only` says which. */
interface Wanted {
  readonly span: Span;
  readonly limit: number;
  readonly backwards: boolean;
  readonly only?: number | undefined;
}

/** Those of all rows to which a way leads that match, the first ones of the order, or the last ones from its end. */
export async function collect(
  snapshot: Snapshot,
  question: ListQuestion,
  { access, count }: Counted,
  wanted: Wanted,
): Promise<Place[]> {
  const { order } = question;
  const { limit, backwards } = wanted;
  const sign = backwards ? -1 : 1;
  let best: Place[] = [];
  for await (const [way, part] of portionsOf(snapshot, access, count)) {
    await snapshot.nextPortion();
    const more = placesIn(order, await bestOf(snapshot, question, way, wanted, part).execute(), wanted.only);
    best = [...best, ...more]
      .sort((a, b) => sign * (isEarlier(order, a.position, b.position) ? -1 : 1))
      .slice(0, limit);
  }
  return best;
}

/** All rows that an access leads to, in parts. */
async function* portionsOf(snapshot: Snapshot, access: Access, count: number): AsyncGenerator<readonly [Access, Part]> {
  if ("ids" in access) {
    const { ids } = access;
    for (let i = 0; i < ids.length; i += PORTION) yield [{ ...access, ids: ids.slice(i, i + PORTION) }, {}];
    return;
  }
  const by = walkedBy(snapshot, access);
  // what cannot be walked is collected by one statement, which can be ended
  if (!by || count <= PORTION) return yield [access, {}];
  for (let after: readonly Scalar[] | undefined; ; ) {
    yield [access, { inOrder: true, after, limit: PORTION }];
    after = await endOfPortion(snapshot, access, by, { after, size: PORTION });
    if (!after) return;
  }
}

/** The best ones of a part of the rows. */
function bestOf(
  snapshot: Snapshot,
  { order, conditions }: ListQuestion,
  access: Access,
  { span, limit, backwards, only }: Wanted,
  part: Part,
): Select {
  const alone = only === undefined ? undefined : (order.segments[only] as Segment);
  const demanded = [...(alone?.where ?? []), ...conditions];
  const sorted = alone?.by ?? distinct(...order.segments.flatMap(({ by }) => by));
  const columns = distinct("id", ...columnsIn(demanded), ...(alone ? sorted : columnsOf(order)));
  const segment = only === undefined ? segmentOf(order) : expression<number>`${expression.lit(only)}`;
  const rows = rowsBy(snapshot, access, columns, part);
  const candidates = snapshot.sql.selectFrom(rows.as("row")).where(allHold(testsAfter(access, demanded)));
  let matches: Select = snapshot.sql
    // to be sorted apart: else PostgreSQL may walk the order's index after all
    .with(
      (cte) => cte("candidate").materialized(),
      () => candidates.selectAll(),
    )
    .with("match", (those) => those.selectFrom("candidate").select([...distinct("id", ...sorted), segment.as(SEGMENT)]))
    .selectFrom("match")
    .selectAll()
    .where(inSegments(order, span))
    .orderBy(SEGMENT, backwards ? "desc" : "asc");
  for (const column of sorted) matches = matches.orderBy(column, walking(order, backwards));
  return matches.limit(limit);
}

function distinct(...columns: readonly string[]): string[] {
  return [...new Set(columns)];
}
