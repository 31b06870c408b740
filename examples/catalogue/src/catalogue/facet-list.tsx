import type { Part, QuestionState } from "./question.ts";

const STOCK_WORDS: Readonly<Record<string, string>> = { in: "In stock", out: "Sold out" };

interface Props {
  readonly part: Part;
  readonly title: string;
  readonly facets: readonly { readonly value: string; readonly count: number }[] | undefined;
  readonly state: QuestionState;
  readonly words?: (value: string) => string;
}

/** The values that the books have, each with how many have it: one press asks for those alone, another for all again. */
export function FacetList({ part, title, facets = [], state, words = (value) => STOCK_WORDS[value] ?? value }: Props) {
  const { question, ask } = state;
  const chosen = question[part];
  // what was chosen stays there to be taken back, also where nothing has it
  const shown =
    chosen && !facets.some(({ value }) => value === chosen) ? [{ value: chosen, count: 0 }, ...facets] : facets;
  if (shown.length === 0) return null;
  return (
    <fieldset>
      <legend>{title}</legend>
      <ul className="facets">
        {shown.map(({ value, count }) => (
          <li key={value}>
            <button
              type="button"
              aria-pressed={value === chosen}
              onClick={() => ask({ [part]: value === chosen ? "" : value })}
            >
              <span>{words(value)}</span> <span className="count">{count.toLocaleString("en")}</span>
            </button>
          </li>
        ))}
      </ul>
    </fieldset>
  );
}
