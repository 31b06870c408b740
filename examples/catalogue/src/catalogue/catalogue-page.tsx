import { useRef, useState } from "react";
import { useQuery } from "urql";
import { useChanges } from "../api/changes.ts";
import { PageHeading } from "../page/page-heading.tsx";
import { BookList } from "./book-list.tsx";
import { BooksSummary } from "./documents.ts";
import { Filters } from "./filters.tsx";
import { useReturnToOpened } from "./last-opened.ts";
import { useQuestion, variablesOf } from "./question.ts";
import { SearchBox } from "./search-box.tsx";

const EVERYTHING = { q: "", by: "", author: "", language: "", stock: "", from: "", to: "", added: "", sort: "" };
const isWide = matchMedia("(min-width: 50rem)");

export function CataloguePage() {
  const state = useQuestion();
  const variables = variablesOf(state.question);
  const { search, filter } = variables;
  const { addedOrDeleted } = useChanges();
  const [shownAt, setShownAt] = useState(addedOrDeleted);
  const [{ data, fetching, stale }, countAgain] = useQuery({
    query: BooksSummary,
    variables: { ...(search && { search }), ...(filter && { filter }) },
    requestPolicy: "cache-and-network",
  });
  const books = useRef<HTMLElement>(null);
  const [showsFilters, setShowsFilters] = useState(isWide.matches);
  useReturnToOpened();
  const found = data?.booksConnection;
  const count = found ? inWords(found) : "";
  // meanwhile the count is that of the last question
  const isCounting = fetching && !stale;
  const news = addedOrDeleted - shownAt;

  function showNews() {
    setShownAt(addedOrDeleted);
    countAgain({ requestPolicy: "network-only" });
    books.current?.focus();
  }

  function showBooks() {
    setShowsFilters(false);
    books.current?.focus();
  }

  return (
    <div className="catalogue">
      <div className="question">
        <PageHeading title="Books" />
        <SearchBox state={state} />
        <details className="narrow" open={showsFilters} onToggle={(event) => setShowsFilters(event.currentTarget.open)}>
          <summary>Order and filters</summary>
          <Filters state={state} facets={found?.facets} />
          <button type="button" className="main show" onClick={showBooks}>
            Show {isCounting ? "the books" : count}
          </button>
        </details>
      </div>
      <section ref={books} tabIndex={-1} aria-label="Books">
        <div className="over-list">
          <p role="status" className="found" aria-busy={isCounting}>
            {count}
          </p>
          {Object.keys(variables).length > 0 && (
            <button type="button" className="link" onClick={() => state.ask(EVERYTHING)}>
              Show all books
            </button>
          )}
        </div>
        <div role="status" aria-label="News">
          {news > 0 && (
            <button type="button" className="news" onClick={showNews}>
              {news === 1 ? "A book was" : `${news.toLocaleString("en")} books were`} added or deleted. Show the list
              anew
            </button>
          )}
        </div>
        <BookList key={shownAt} variables={variables} question={state.key} />
      </section>
    </div>
  );
}

function inWords({ totalCount, totalCountIsExact }: { totalCount: number; totalCountIsExact: boolean }): string {
  if (totalCount === 1) return "1 book";
  return `${totalCount.toLocaleString("en")}${totalCountIsExact ? "" : "+"} books`;
}
