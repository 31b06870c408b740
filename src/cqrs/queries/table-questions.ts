import type { Lists } from "./large-lists.ts";
import type { Snapshot } from "./list-conditions.ts";
import { Matches } from "./list-matches.ts";
import { type Bound, isEarlier, type Place, type Span } from "./list-order.ts";
import type { ListAnswer, ListPage, ListQuestion } from "./list-question.ts";
import { summaryOf } from "./list-summary.ts";
import { QuestionLine } from "./question-line.ts";
import { rowBytesOf } from "./table-pages.ts";
import { PORTION, type TableRows } from "./table-rows.ts";

/** So many rows are read before it is known how large they are. */
const FIRST_ROWS = 50;

/**
 * Questions of the table that no one statement answers in a bounded time: each is asked in portions of one snapshot, for as
 * long as anybody waits for the answer.
 */
export class TableQuestions<T extends object> {
  readonly #rows: TableRows<T>;
  readonly #line = new QuestionLine();

  constructor(rows: TableRows<T>) {
    this.#rows = rows;
  }

  /** @throws ServiceError the asker's `TIMED_OUT`; `SERVICE_UNAVAILABLE` when too many long questions are being answered */
  ask(question: ListQuestion, lists: Lists): Promise<ListAnswer<T>> {
    const requireTime = () => lists.requireTime();
    return this.#line.ask(requireTime, (nextPortion) =>
      this.#rows.question(lists.msLeft, async ({ revision, token }, sql) => {
        const { table, words, isAmong, carried } = this.#rows;
        const snapshot = { sql, table, words, isAmong, carried, nextPortion };
        return { value: await this.#page(snapshot, question, lists), revision, token };
      }),
    );
  }

  async #page(snapshot: Snapshot, question: ListQuestion, lists: Lists): Promise<ListPage<T>> {
    const { after, before, limit, backwards } = question;
    const matches = new Matches(snapshot, question);
    if (!question.withPage) {
      return {
        rows: [],
        positions: [],
        hasBefore: false,
        hasAfter: false,
        ...(await summaryOf(snapshot, question, matches)),
      };
    }
    const [past, next] = [after && outside(after), before && outside(before)];
    // one more than asked for says whether there are more
    const found = await matches.find({ from: past, to: next }, limit + 1, backwards);
    const isMore = found.length > limit;
    const places = found.slice(0, limit);
    if (backwards) places.reverse();
    const isAny = async (span: Span, reverse: boolean) => (await matches.find(span, 1, reverse)).length > 0;
    // cursors may come in the wrong order: the page is then where the direction begins
    const isWrong = after !== undefined && before !== undefined && !isEarlier(question.order, after, before);
    const upToAfter = { to: isWrong && backwards ? next : past && inside(past) };
    const fromBefore = { from: isWrong && !backwards ? past : next && inside(next) };
    return {
      rows: await this.#instances(snapshot, places, lists),
      positions: places.map(({ position }) => position),
      hasBefore: (backwards && isMore) || (past !== undefined && (await isAny(upToAfter, true))),
      hasAfter: (!backwards && isMore) || (next !== undefined && (await isAny(fromBefore, false))),
      ...(await summaryOf(snapshot, question, matches)),
    };
  }

  /** The rows at these places, as many at once as are quickly handed over. */
  async #instances({ sql, nextPortion }: Snapshot, places: readonly Place[], lists: Lists): Promise<T[]> {
    const found: T[] = [];
    let bytes = 0;
    for (let size = FIRST_ROWS; found.length < places.length; ) {
      if (bytes > PORTION.bytes) await nextPortion();
      const ids = places.slice(found.length, found.length + size).map(({ id }) => id);
      const rows = await this.#rows.rows(sql).where("id", "in", ids).execute();
      const byId = new Map(rows.map((row) => [row.id, row]));
      const instances = this.#rows.instances(ids.map((id) => byId.get(id)));
      const rowBytes = rowBytesOf(instances);
      size = Math.max(1, Math.floor(PORTION.bytes / rowBytes));
      bytes += rowBytes * instances.length;
      // what is small need not be counted
      if (bytes > PORTION.bytes) lists.take(rowBytes * instances.length);
      found.push(...instances);
    }
    return found;
  }
}

function outside(at: Bound["at"]): Bound {
  return { at, isInside: false };
}

function inside({ at }: Bound): Bound {
  return { at, isInside: true };
}
