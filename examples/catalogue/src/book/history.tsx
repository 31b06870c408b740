import { useEffect, useState } from "react";
import { useQuery } from "urql";
import type { BookFieldsFragment, BookHistoryQuery, PastBookFragment } from "../generated/graphql.ts";
import { BookHistory } from "./documents.ts";
import { FIELD_NAMES } from "./field-names.ts";
import { time } from "./times.ts";

const PAGE = 10;
const MOST = 500;

type Change = NonNullable<BookHistoryQuery["book"]>["history"]["nodes"][number];

/** What became of the book, the newest first. It is asked for anew when the book has changed, whoever did that. */
export function History({ book: { id, version } }: { book: BookFieldsFragment }) {
  const [first, setFirst] = useState(PAGE);
  // not from the cache, which holds back what it lacks of a book as long as a change of the book is under way
  const [{ data }, ask] = useQuery({ query: BookHistory, variables: { id, first }, requestPolicy: "network-only" });
  const [known, setKnown] = useState(version);

  useEffect(() => {
    if (version === known) return;
    setKnown(version);
    ask({ requestPolicy: "network-only" });
  }, [version, known, ask]);

  const history = data?.book?.history;
  if (!history) return null;
  return (
    <section className="history" aria-labelledby="history">
      <h2 id="history">History</h2>
      <ol>
        {history.nodes.map((change) => (
          <li key={change.revision}>
            <p className="meta">
              {time(change.at)}
              {change.who && ` by ${change.who}`}
            </p>
            {linesOf(change).map((line) => (
              <p key={line}>{line}</p>
            ))}
          </li>
        ))}
      </ol>
      {!history.pageInfo.hasNextPage ? null : first < MOST ? (
        <button type="button" onClick={() => setFirst(Math.min(MOST, first + 5 * PAGE))}>
          Show what was before
        </button>
      ) : (
        <p className="meta">These are the last {MOST} changes.</p>
      )}
    </section>
  );
}

/** What a change has done, a line for each field. */
function linesOf({ before, after }: Change): string[] {
  if (!before) return ["Added to the catalogue"];
  if (!after) return ["Deleted"];
  const lines = FIELD_NAMES.filter(([field]) => before[field] !== after[field]).map(([field, name]) =>
    field === "description" ? `${name} rewritten` : `${name}: ${shown(before, field)} → ${shown(after, field)}`,
  );
  return lines.length > 0 ? lines : ["Saved as it was"];
}

function shown(book: PastBookFragment, field: keyof PastBookFragment): string {
  return String(book[field] ?? "nothing");
}
