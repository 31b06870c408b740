import type { WordDemand } from "../database/word-index.ts";
import type { Accesses } from "./list-accesses.ts";
import { allHold, columnsIn, type Snapshot } from "./list-conditions.ts";
import { type CountedRows, countRows, countsAmong, facetColumns } from "./list-facets.ts";
import { COUNTED, type Condition, type FacetCounts, type FacetQuestion, type Scalar } from "./list-question.ts";
import { type Access, endOfPortion, type Part, rowsBy, testsAfter, walkedBy } from "./list-ways.ts";

/** So many rows are looked at by one statement: more than are counted, so that one is enough where most of them match. */
const PORTION = 11_000;
/** So few of the rows that have the words tell how many of them are matches. */
const SAMPLE = 1000;
/** To look at so many takes as long as to hold the words against other indexes. */
const MANY = 60_000;
/** So many are looked at, for the few that promised enough of them are few. */
const LOOKED = 1.5 * MANY;

/** Matches of which one more is found than are counted, if there are so many, and how frequent their values are. */
export interface Found {
  readonly count: number;
  readonly facets: readonly FacetCounts[];
}

/** Counts the first matches that are found, in no particular order. */
export async function countMatches(
  snapshot: Snapshot,
  conditions: readonly Condition[],
  accesses: Accesses,
  facets: readonly FacetQuestion[],
): Promise<Found> {
  const walkBy = (access?: Access) => walked(snapshot, conditions, access, facets);
  const { only } = accesses;
  // how many there are is seen when they are had
  if (only && facets.length > 0 && isAllSaid(only, conditions)) return walkBy(only);
  const shortest = await accesses.shortest(COUNTED);
  if (!shortest) return walkBy();
  const { access, count } = shortest;
  const isAll = isAllSaid(access, conditions);
  if (isAll && facets.length === 0) return { count, facets: [] };
  if (isAll || count <= COUNTED) return walkBy(access);
  const { words } = accesses;
  const found = words && !accesses.areMerged ? await amongWords(snapshot, conditions, words, facets) : undefined;
  return found ?? walkBy(await accesses.together);
}

/**
 * Finds enough among the first rows that have the words: these are had part by part, but what several indexes lead to at once
 * as a whole only. Undefined when there are not enough among them.
 */
async function amongWords(
  snapshot: Snapshot,
  conditions: readonly Condition[],
  words: WordDemand,
  facets: readonly FacetQuestion[],
): Promise<Found | undefined> {
  const tests = testsAfter(words, conditions);
  await snapshot.nextPortion();
  const few = await look(snapshot, tests, words, [], { limit: SAMPLE });
  if (MANY * few.ids.length <= COUNTED * SAMPLE) return undefined;
  await snapshot.nextPortion();
  const { ids, facets: counts } = await look(snapshot, tests, words, facets, { limit: LOOKED });
  return ids.length > COUNTED ? { count: ids.length, facets: counts } : undefined;
}

/** Whether all rows that the access leads to are matches. */
function isAllSaid(access: Access, conditions: readonly Condition[]): boolean {
  return !("oneOf" in access) && testsAfter(access, conditions).length === 0;
}

/** Finds them by the way that `access` leads, or else along the table, in portions. */
async function walked(
  snapshot: Snapshot,
  conditions: readonly Condition[],
  access: Access | undefined,
  facets: readonly FacetQuestion[],
): Promise<Found> {
  const tests = access ? testsAfter(access, conditions) : conditions;
  const by = walkedBy(snapshot, access);
  const ids: number[] = [];
  for (let after: readonly Scalar[] | undefined; ; ) {
    await snapshot.nextPortion();
    // what cannot be walked is looked at by one statement, which ends when it has enough; without tests one portion is enough
    const part = by ? { inOrder: tests.length > 0, after, limit: PORTION } : {};
    // mostly the first one finds all that are counted
    const counted = after === undefined ? facets : [];
    const found = await look(snapshot, tests, access, counted, part, COUNTED + 1 - ids.length);
    ids.push(...found.ids);
    const mayGoOn = by && tests.length > 0 && ids.length <= COUNTED;
    after = mayGoOn ? await endOfPortion(snapshot, access, by, { after, size: PORTION }) : undefined;
    if (after) continue;
    const isKnown = found.facets.length === facets.length;
    return { count: ids.length, facets: isKnown ? found.facets : await countsAmong(snapshot, facets, ids) };
  }
}

/** Looks for rows that stand the tests, in a part of those that an access leads to. */
async function look(
  snapshot: Snapshot,
  tests: readonly Condition[],
  access: Access | undefined,
  facets: readonly FacetQuestion[],
  part: Part,
  wanted = COUNTED + 1,
): Promise<CountedRows> {
  const columns = facetColumns(facets);
  const by = walkedBy(snapshot, access) ?? [];
  const portion = rowsBy(snapshot, access, [...by, ...columnsIn(tests), ...columns], part);
  const matching = snapshot.sql.selectFrom(portion.as("portion")).where(allHold(tests)).limit(wanted);
  return countRows(snapshot, facets, matching.select(["id", ...columns]));
}
