import type { BooksSummaryQuery } from "../generated/graphql.ts";
import { FacetList } from "./facet-list.tsx";
import { languageName } from "./language-name.ts";
import { ORDERS, type Part, type QuestionState } from "./question.ts";

type Facets = NonNullable<BooksSummaryQuery["booksConnection"]>["facets"];

const DAYS: readonly (readonly [Part, string])[] = [
  ["from", "Published from"],
  ["to", "Published to"],
  ["added", "Added since"],
];

/** Everything that narrows the list down, beside what was typed. */
export function Filters({ state, facets }: { state: QuestionState; facets: Facets | undefined }) {
  const { question, ask } = state;
  return (
    <div className="filters">
      <label>
        Order
        <select value={question.sort ?? ""} onChange={(event) => ask({ sort: event.target.value })}>
          {Object.entries(ORDERS).map(([name, { words }]) => (
            <option key={name} value={name}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <label>
        Author has the words
        <input
          // an uncontrolled input asks once it is left or Enter is pressed, not at every letter
          key={question.by ?? ""}
          defaultValue={question.by ?? ""}
          autoComplete="off"
          onBlur={(event) => event.target.value !== (question.by ?? "") && ask({ by: event.target.value })}
          onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
        />
      </label>
      <FacetList part="stock" title="Stock" facets={stockFacets(facets)} state={state} />
      <FacetList part="language" title="Language" facets={facets?.languages} state={state} words={languageName} />
      <FacetList part="author" title="Author" facets={facets?.authors} state={state} />
      {facets?.isExact === false && <p className="meta">Counted among 10,000 of these books.</p>}
      {DAYS.map(([part, words]) => (
        <label key={part}>
          {words}
          <input
            type="date"
            value={question[part] ?? ""}
            max={part === "from" ? question.to : undefined}
            min={part === "to" ? question.from : undefined}
            onChange={(event) => ask({ [part]: event.target.value })}
          />
        </label>
      ))}
    </div>
  );
}

function stockFacets(facets: Facets | undefined) {
  return facets?.inStock.map(({ value, count }) => ({ value: value === "true" ? "in" : "out", count }));
}
