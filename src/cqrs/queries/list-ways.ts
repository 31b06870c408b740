import { sql as expression } from "kysely";
import { FOUND_ID, type WordDemand, type WordsAtOnce, type WordsInOrder } from "../database/word-index.ts";
import { allHold, allHoldTested, compares, isRange, joined, type Source } from "./list-conditions.ts";
import type { Condition, OneOf, Range, Scalar, Words } from "./list-question.ts";
import type { Select } from "./table-rows.ts";

/** By what rows can be found that meet one of the conditions, or several: an index has it. */
export type Single = Range | OneOf | WordDemand;

/** By several indexes at once: to the rows that all of them lead to. */
export interface Together {
  readonly together: readonly Exclude<Single, OneOf>[];
}

/** By the ids of the rows to which another way led before. */
interface Listed {
  readonly ids: readonly number[];
  readonly by: WordDemand | Together;
}

export type Access = Single | Together | Listed;

/** The ways to rows that meet all of the conditions. What is said of words is one way. */
export function accessesOf(conditions: readonly Condition[]): Single[] {
  const words = conditions.filter((one) => "words" in one);
  const all = words.filter((one) => !words.some((other) => other !== one && says(other, one)));
  const none = conditions.flatMap((one) => ("not" in one && isWords(one.not) ? one.not : []));
  const others = conditions.filter((one) => "oneOf" in one || ("indexed" in one && one.indexed === true));
  return [...(others as (Range | OneOf)[]), ...(all.length > 0 ? [{ all, none }] : [])];
}

/** Those of the conditions that are still to be tested of rows which the access leads to. */
export function testsAfter(access: Access, conditions: readonly Condition[]): Condition[] {
  if ("ids" in access) return testsAfter(access.by, conditions);
  if ("together" in access) return access.together.reduce((rest, one) => testsAfter(one, rest), [...conditions]);
  if (!("all" in access)) return conditions.filter((one) => one !== access);
  return conditions.filter((one) => !("words" in one || ("not" in one && isWords(one.not))));
}

/** Whether rows that have the words of one have those of the other anyway. */
function says(one: Words, other: Words): boolean {
  const isSame = one.words.length === other.words.length && one.words.every((word, i) => word === other.words[i]);
  return (
    isSame && one.within.length < other.within.length && one.within.every((column) => other.within.includes(column))
  );
}

/** Whether a row that does not meet these lacks words that are said in one breath. */
function isWords(conditions: readonly Condition[]): conditions is readonly [Words] {
  return conditions.length === 1 && conditions.every((one) => "words" in one);
}

/** Whether an index has the rows to which it leads in the order of their ids, as the table does. */
export function isInIdOrder(access: Single): boolean {
  return "all" in access || ("from" in access && access.from === access.to);
}

/** Whether to be led by it takes longer than to look up so many rows as it leads to. */
export function isLong(access: Access): access is WordDemand | Together {
  return "together" in access || "all" in access;
}

/** A part of the rows that an access leads to. */
export interface Part {
  /** Whether it is of the first rows by the columns by which they are walked, so that those behind can be asked for next. */
  readonly inOrder?: boolean;
  /** Behind the row that has these values in those columns. */
  readonly after?: readonly Scalar[] | undefined;
  readonly limit?: number | undefined;
  /** So many of them left out at the beginning. */
  readonly offset?: number | undefined;
}

/** The columns by which rows can be walked that the access leads to; undefined where they are had at once only. */
export function walkedBy({ words }: Source, access: Access | undefined): readonly string[] | undefined {
  if (access === undefined) return ["id"];
  // so few that they are had at once
  if ("ids" in access) return undefined;
  if (isLong(access)) return words.isInOrder ? ["id"] : undefined;
  // what is equal in all of them tells SQLite nothing of where to go on
  return isRange(access) && !isInIdOrder(access) ? [access.column, "id"] : ["id"];
}

/** A statement for the ids and these columns of the rows that the access leads to; of all rows, if there is none. */
export function rowsBy(
  source: Source,
  access: Access | undefined,
  columns: readonly string[],
  part: Part = {},
): Select {
  const { sql, table, words, isAmong } = source;
  const names = [...new Set(["id", ...columns])];
  if (access && isLong(access)) {
    return words.isInOrder
      ? rowsInOrder(source, words, access, names, part)
      : rowsAtOnce(source, words, access, names, part);
  }
  let rows: Select = sql.selectFrom(table).select(names);
  if (access) rows = rows.where("ids" in access ? isAmong("id", access.ids) : allHold([access]));
  const by = walkedBy(source, access) ?? [];
  if (part.after) rows = rows.where(compares(by, ">", part.after));
  if (part.inOrder) for (const column of by) rows = rows.orderBy(column);
  if (part.limit !== undefined) rows = rows.limit(part.limit);
  return part.offset === undefined ? rows : rows.offset(part.offset);
}

/** The ids first, and then the rows of these. */
function rowsInOrder(
  source: Source,
  { ids }: WordsInOrder,
  access: WordDemand | Together,
  names: readonly string[],
  part: Part,
): Select {
  const { sql, table } = source;
  const found = sql.selectFrom(
    expression<{ [FOUND_ID]: number }>`(${foundIds(source, ids, access, part)})`.as("found"),
  );
  // an index alone has the ids
  if (names.length === 1) return found.select(`${FOUND_ID} as id`);
  // in this order: SQLite might walk the table and look whether each was found
  return found.crossJoin(table).whereRef("id", "=", FOUND_ID).select(names);
}

/** Rows that cannot be walked. */
function rowsAtOnce(
  { sql, table }: Source,
  { rows, hold }: WordsAtOnce,
  access: WordDemand | Together,
  names: readonly string[],
  { limit }: Part,
): Select {
  const found: Select =
    "all" in access
      ? sql.selectFrom(expression`(${rows(access)})`.as("found"))
      : sql.selectFrom(table).where(joined(access.together.map((one) => ("all" in one ? hold(one) : allHold([one])))));
  return limit === undefined ? found.select(names) : found.select(names).limit(limit);
}

/** What the last row of a portion of that size has in the columns by which rows are walked; undefined if it is not full. */
export async function endOfPortion(
  source: Source,
  access: Access | undefined,
  by: readonly string[],
  { after, size }: { readonly after?: readonly Scalar[] | undefined; readonly size: number },
): Promise<readonly Scalar[] | undefined> {
  const [last] = await rowsBy(source, access, by, { inOrder: true, after, limit: 1, offset: size - 1 }).execute();
  return last && by.map((column) => last[column] as Scalar);
}

/**
 * Of ways that are held against each other the first whose index tells others beside, and these: one alone, so that none
 * which tells is told itself.
 */
export function toldBeside({ carried }: Source, ways: readonly Single[]) {
  const ranges = ways.flatMap((one) => ("column" in one && isRange(one) ? one : []));
  for (const by of ranges.filter(isInIdOrder)) {
    const told = ranges.filter((one) => one !== by && carried[by.column]?.includes(one.column));
    if (told.length > 0) return { by, told: new Set<Single>(told), tests: allHoldTested(told) };
  }
  return undefined;
}

/** Ids in their order: SQLite merges those that come so, and sorts the others before; what an index tells beside it reads there. */
function foundIds(
  source: Source,
  idsOfWords: WordsInOrder["ids"],
  access: WordDemand | Together,
  { after, limit, offset = 0 }: Part,
) {
  const { table } = source;
  const id = expression.ref(FOUND_ID);
  const all: readonly Single[] = "together" in access ? access.together : [access];
  const beside = toldBeside(source, all);
  const idsOf = (one: Single) => {
    if ("all" in one) return idsOfWords(one);
    const tests = one === beside?.by ? expression` and ${beside.tests}` : expression``;
    return expression`select id as ${id} from ${expression.table(table)} where ${allHold([one])}${tests}`;
  };
  const each = all
    .filter((one) => !beside?.told.has(one))
    .map((one) => {
      const behind = after ? expression`where ${id} > ${after[0]}` : expression``;
      return expression`select ${id} from (${idsOf(one)}) ${behind}`;
    });
  const ids = expression.join(each, expression` intersect `);
  return expression`${ids} order by ${id} ${limit === undefined ? expression`` : expression`limit ${limit} offset ${offset}`}`;
}
