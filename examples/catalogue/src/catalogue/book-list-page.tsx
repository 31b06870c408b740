import { useLayoutEffect } from "react";
import { useQuery } from "urql";
import type { BooksPageQueryVariables } from "../generated/graphql.ts";
import { Failure } from "../page/failure.tsx";
import { BookRow } from "./book-row.tsx";
import { BooksPage } from "./documents.ts";

const PAGE = 50;

/** Where a page ends. */
export interface PageEnd {
  readonly hasNextPage: boolean;
  readonly endCursor?: string | null;
}

interface Props {
  readonly page: number;
  readonly variables: Omit<BooksPageQueryVariables, "first">;
  readonly onEnd: (page: number, end: PageEnd) => void;
}

/** One page of the list. While another question is asked, the answer to the last one stays. */
export function BookPageOfList({ page, variables, onEnd }: Props) {
  const [{ data, error, fetching, stale }, retry] = useQuery({
    query: BooksPage,
    variables: { ...variables, first: PAGE },
    // what is known is shown at once, and what has changed since soon after
    requestPolicy: "cache-and-network",
  });
  const found = data?.booksConnection;
  const isOfLastQuestion = fetching && !stale;

  useLayoutEffect(() => {
    if (found && !isOfLastQuestion) onEnd(page, found.pageInfo);
  }, [found, isOfLastQuestion, page, onEnd]);

  if (error && !found) return <Failure error={error} onRetry={() => retry({ requestPolicy: "network-only" })} />;
  if (!found) return <Loading />;
  if (page === 0 && found.nodes.length === 0)
    return <p className="nothing">No book is like that. Try fewer words or filters.</p>;
  return (
    <ul className="books" aria-busy={isOfLastQuestion}>
      {found.nodes.map((book) => (
        <BookRow key={book.id} book={book} />
      ))}
    </ul>
  );
}

function Loading() {
  return (
    <p className="loading">
      <span className="unseen">Books are being looked for</span>
    </p>
  );
}
