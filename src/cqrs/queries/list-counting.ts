import { sql as expression } from "kysely";
import type { Accesses } from "./list-accesses.ts";
import { allHold, columnsIn, type Snapshot } from "./list-conditions.ts";
import { COUNTED, type Condition, type Scalar } from "./list-question.ts";
import { type Access, endOfPortion, rowsBy, testsAfter, walkedBy } from "./list-ways.ts";

/** So many rows are looked at by one statement: more than are counted, so that one is enough where most of them match. */
const PORTION = 11_000;
/** So few tell whether words are frequent. */
const SAMPLE = 1000;
/** So many rows of the table are looked at for words that are frequent, in place of all that an index has of them. */
const FREQUENT = 80_000;

/** Matches of which one more is found than are counted, if there are so many; their ids, if those are asked for. */
export interface Found {
  readonly count: number;
  readonly ids: readonly number[];
}

/** The first matches that are found, in no particular order. */
export async function countedIds(
  snapshot: Snapshot,
  conditions: readonly Condition[],
  accesses: Accesses,
  withIds: boolean,
): Promise<Found> {
  if (!snapshot.words.isInOrder && conditions.some((one) => "words" in one)) {
    const found = await walked(snapshot, conditions, undefined, FREQUENT);
    if (found) return found;
  }
  const shortest = await accesses.shortest(COUNTED);
  if (!shortest) return (await walked(snapshot, conditions, undefined)) as Found;
  const { access, count } = shortest;
  const isAll = !("oneOf" in access) && testsAfter(access, conditions).length === 0;
  if (isAll && !withIds) return { count, ids: [] };
  if (isAll || count <= COUNTED) return (await walked(snapshot, conditions, access)) as Found;
  const together = await accesses.together;
  return (await walked(snapshot, conditions, together)) as Found;
}

/**
 * Finds them by the way that `access` leads, or else along the table, in portions. Undefined when they turn out to lie so far
 * apart that more than `most` rows would have to be looked at.
 */
async function walked(
  snapshot: Snapshot,
  conditions: readonly Condition[],
  access: Access | undefined,
  most = Infinity,
): Promise<Found | undefined> {
  const { sql, nextPortion } = snapshot;
  const tests = access ? testsAfter(access, conditions) : conditions;
  const by = walkedBy(snapshot, access);
  const columns = [...(by ?? []), ...columnsIn(tests)];
  const ids: number[] = [];
  let looked = 0;
  for (let after: readonly Scalar[] | undefined; ; ) {
    await nextPortion();
    const wanted = COUNTED + 1 - ids.length;
    const size = most < Infinity && looked === 0 ? SAMPLE : PORTION;
    // what cannot be walked is looked at by one statement, which ends when it has enough
    const part = by ? { after, limit: size } : {};
    const portion = rowsBy(snapshot, access, columns, part);
    const matching = sql.selectFrom(portion.as("portion")).where(allHold(tests)).select("id").limit(wanted);
    const { found } = await sql
      .selectFrom(matching.as("matching"))
      // one text: thousands of rows take the event loop milliseconds
      .select(expression<string | null>`string_agg(cast(id as text), ',')`.as("found"))
      .executeTakeFirstOrThrow();
    if (found) for (const id of found.split(",")) ids.push(Number(id));
    looked += size;
    if (!by || ids.length > COUNTED) break;
    if (most * ids.length < (COUNTED + 1) * looked) return undefined;
    after = await endOfPortion(snapshot, access, by, { after, size });
    if (!after) break;
  }
  return { count: ids.length, ids };
}
