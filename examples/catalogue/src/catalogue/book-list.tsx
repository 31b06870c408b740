import { useCallback, useEffect, useRef, useState } from "react";
import { useNavigationType } from "react-router";
import type { BooksPageQueryVariables } from "../generated/graphql.ts";
import { BookPageOfList, type PageEnd } from "./book-list-page.tsx";

/** How far each list was read, so that the way back leads to the same place. */
const endsOf = new Map<string, readonly PageEnd[]>();
const NONE: readonly PageEnd[] = [];

interface Props {
  readonly variables: Omit<BooksPageQueryVariables, "first" | "after">;
  readonly question: string;
}

/** The list without an end: each page goes on after the last book of the one before, whatever was added in between. */
export function BookList({ variables, question }: Props) {
  const isReturn = useNavigationType() === "POP";
  const [asked, setAsked] = useState(question);
  const [ends, setEnds] = useState(() => (isReturn && endsOf.get(question)) || NONE);
  const [wanted, setWanted] = useState(Math.max(1, ends.length));
  const more = useRef<HTMLButtonElement>(null);

  if (asked !== question) {
    const kept = (isReturn && endsOf.get(question)) || NONE;
    setAsked(question);
    setEnds(kept);
    setWanted(Math.max(1, kept.length));
  }

  const noteEnd = useCallback((page: number, end: PageEnd) => {
    setEnds((ends) => {
      const { hasNextPage, endCursor } = ends[page] ?? {};
      if (hasNextPage === end.hasNextPage && endCursor === end.endCursor) return ends;
      return Object.assign([...ends], { [page]: end });
    });
  }, []);

  useEffect(() => {
    endsOf.set(question, ends);
  }, [question, ends]);

  const last = ends[wanted - 1];
  useEffect(() => {
    if (!last?.hasNextPage || !more.current) return;
    const nearTheEnd = new IntersectionObserver(
      // a busy browser tells at once of when it was far away and of when it was near
      (entries) => entries.at(-1)?.isIntersecting && setWanted((wanted) => wanted + 1),
      { rootMargin: "800px" },
    );
    nearTheEnd.observe(more.current);
    return () => nearTheEnd.disconnect();
  }, [last]);

  const pages = Array.from({ length: wanted }, (_, page) => page).filter(
    (page) => page === 0 || ends[page - 1]?.hasNextPage,
  );
  return (
    <>
      {pages.map((page) => (
        <BookPageOfList
          key={page}
          page={page}
          variables={{ ...variables, after: ends[page - 1]?.endCursor ?? null }}
          onEnd={noteEnd}
        />
      ))}
      <button
        ref={more}
        type="button"
        className="more"
        hidden={!ends[wanted - 2]?.hasNextPage && !last?.hasNextPage}
        onClick={() => last && setWanted(wanted + 1)}
      >
        Show more books
      </button>
    </>
  );
}
