import { useMemo } from "react";
import { useSearchParams } from "react-router";
import type { BookFilter, BookOrder, BooksPageQueryVariables } from "../generated/graphql.ts";

/** The names of what the reader may ask for, as they stand in the page's address. */
export type Part = "q" | "by" | "author" | "language" | "stock" | "from" | "to" | "added" | "sort";

export type Question = Readonly<Partial<Record<Part, string>>>;

const PARTS: readonly Part[] = ["q", "by", "author", "language", "stock", "from", "to", "added", "sort"];

/** What lists can be ordered by. The first is what the service does unless it is told otherwise. */
export const ORDERS: Readonly<Record<string, { readonly words: string; readonly orderBy?: BookOrder }>> = {
  "": { words: "Best match, else title" },
  title: { words: "Title, A to Z", orderBy: { field: "TITLE", direction: "ASC" } },
  "title-desc": { words: "Title, Z to A", orderBy: { field: "TITLE", direction: "DESC" } },
  author: { words: "Author", orderBy: { field: "AUTHOR", direction: "ASC" } },
  newest: { words: "Published last", orderBy: { field: "PUBLISHED_DATE", direction: "DESC" } },
  oldest: { words: "Published first", orderBy: { field: "PUBLISHED_DATE", direction: "ASC" } },
  added: { words: "Added last", orderBy: { field: "ADDED_AT", direction: "DESC" } },
  changed: { words: "Changed last", orderBy: { field: "UPDATED_AT", direction: "DESC" } },
  scarce: { words: "Fewest in stock", orderBy: { field: "STOCK_QUANTITY", direction: "ASC" } },
};

const isDay = (text: string | undefined) => /^\d{4}-\d\d-\d\d$/.test(text ?? "");

/** What the service is asked. What an address says that cannot be meant, as from a mistyped link, is not asked. */
export function variablesOf(question: Question): Omit<BooksPageQueryVariables, "first" | "after"> {
  const { q, by, author, language, stock, from, to, added, sort = "" } = question;
  const filter: BookFilter = {
    ...(by && { authorContains: by }),
    ...(author && { author }),
    ...(language && { language }),
    ...(stock && { inStock: stock === "in" }),
    ...(isDay(from) && { publishedFrom: from }),
    ...(isDay(to) && { publishedTo: to }),
    ...(isDay(added) && { addedSince: `${added}T00:00:00Z` }),
  };
  const orderBy = ORDERS[sort]?.orderBy;
  return {
    ...(q?.trim() && { search: q }),
    ...(Object.keys(filter).length > 0 && { filter }),
    ...(orderBy && { orderBy }),
  };
}

export interface QuestionState {
  readonly question: Question;
  /** The question as a text: the same for the same question. */
  readonly key: string;
  /** Asks anew; an empty part is asked no more. Each is a page that the back button returns to, unless it replaces the last. */
  readonly ask: (changed: Question, replace?: boolean) => void;
}

/** The question in the page's address, where it can be shared and gone back to. */
export function useQuestion(): QuestionState {
  const [params, setParams] = useSearchParams();
  const key = params.toString();
  return useMemo(() => {
    const given = new URLSearchParams(key);
    const question = Object.fromEntries(PARTS.map((part) => [part, given.get(part) ?? ""]).filter(([, text]) => text));
    const ask = (changed: Question, replace = false) => {
      const texts = Object.entries({ ...question, ...changed }).filter(([, text]) => text) as [string, string][];
      setParams(texts, { replace, preventScrollReset: true });
    };
    return { question, key, ask };
  }, [key, setParams]);
}
