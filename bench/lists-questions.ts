import type { ServiceProcess } from "../test/support/service/service-process.ts";
import { commonWord } from "./lists-seed.ts";

const ARGUMENTS =
  "search: $search, filter: $filter, orderBy: $orderBy, first: $first, last: $last, after: $after, before: $before";
const VARIABLES =
  "$search: String, $filter: BookFilter, $orderBy: BookOrder, $first: Int, $last: Int, $after: String, $before: String";
const list = (selection: string) => `query (${VARIABLES}) { booksConnection(${ARGUMENTS}) { ${selection} } }`;
const PAGE = list(
  "nodes { id title author publishedDate stockQuantity } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }",
);
const COUNT = list("totalCount totalCountIsExact");
const FACETS = list(
  "totalCount facets { authors { value count } languages { value count } inStock { value count } isExact }",
);

/** Questions that were asked so far. */
let asked = 0;

type Variables = Readonly<Record<string, unknown>>;

/** A kind of question: what is asked the n-th time. */
export interface Kind {
  readonly name: string;
  readonly query: string;
  readonly variables: (n: number) => Variables;
}

/** Titles that are in the catalogue. */
export async function titlesOf(service: ServiceProcess): Promise<string[]> {
  return (await samplesOf(service)).map(({ title }) => title);
}

async function samplesOf(service: ServiceProcess): Promise<{ title: string; author: string }[]> {
  const { data } = await service.ask(PAGE, { variables: { first: 500, orderBy: { field: "UPDATED_AT" } } });
  return data.booksConnection.nodes;
}

/** What is asked, by what is measured. */
export async function kinds(service: ServiceProcess): Promise<Kind[]> {
  const samples = await samplesOf(service);
  const sample = (n: number) => samples[n % samples.length] as (typeof samples)[number];
  const orders = ["TITLE", "AUTHOR", "PUBLISHED_DATE", "STOCK_QUANTITY", "ADDED_AT", "UPDATED_AT"].flatMap((field) =>
    ["ASC", "DESC"].map((direction) => ({ field, direction })),
  );
  const pages: Kind[] = [];
  for (const orderBy of orders) {
    const name = `${orderBy.field} ${orderBy.direction}`;
    const cursors = await deepCursors(service, { orderBy });
    pages.push({ name: `${name}, first page`, query: PAGE, variables: () => ({ orderBy }) });
    const deep = (n: number) => ({ orderBy, after: cursors[n % cursors.length] });
    pages.push({ name: `${name}, deep page`, query: PAGE, variables: deep });
  }
  const filters: Record<string, (n: number) => Variables> = {
    "language en": () => ({ language: "en" }),
    "language is, of 200 books": () => ({ language: "is" }),
    "out of stock": () => ({ inStock: false }),
    author: (n) => ({ author: sample(n).author }),
    "title begins with two letters": (n) => ({ titleStartsWith: sample(n).title.slice(0, 2) }),
    "title begins with a word": (n) => ({ titleStartsWith: sample(n).title.split(" ").slice(0, 2).join(" ") }),
    "published in one year": (n) => ({
      publishedFrom: `${1950 + (n % 70)}-01-01`,
      publishedTo: `${1950 + (n % 70)}-12-31`,
    }),
    "added lately": () => ({ addedSince: "2025-06-01T00:00:00Z" }),
    "French, in stock, of the eighties": () => ({
      ...{ language: "fr", inStock: true, publishedFrom: "1980-01-01", publishedTo: "1989-12-31" },
    }),
    "Swedish, out of stock": () => ({ language: "sv", inStock: false }),
  };
  const filtered = Object.entries(filters).flatMap(([name, filter]): Kind[] => [
    ...["TITLE", "PUBLISHED_DATE", "UPDATED_AT"].map((field) => ({
      name: `${name}, by ${field}`,
      query: PAGE,
      variables: (n: number) => ({ filter: filter(n), orderBy: { field } }),
    })),
    { name: `${name}, count`, query: COUNT, variables: (n) => ({ filter: filter(n) }) },
    { name: `${name}, facets`, query: FACETS, variables: (n) => ({ filter: filter(n) }) },
  ]);
  return [
    ...pages,
    { name: "everything, count", query: COUNT, variables: () => ({ orderBy: { field: "AUTHOR" } }) },
    { name: "everything, facets", query: FACETS, variables: () => ({}) },
    ...filtered,
    ...(await searches(service, sample)),
    {
      name: "clustered: added lately, by UPDATED_AT",
      query: PAGE,
      variables: () => ({
        filter: { addedSince: "2025-01-01T00:00:00Z" },
        orderBy: { field: "UPDATED_AT" },
      }),
    },
  ];
}

/** What people search for, by relevance and in other orders, with and without filters. */
async function searches(service: ServiceProcess, sample: (n: number) => { title: string; author: string }) {
  const lastWord = (text: string) => text.split(" ").at(-1) as string;
  const texts: Record<string, (n: number) => string> = {
    "a word in half of the titles": () => "the",
    "two common words": (n) => `the ${commonWord(n % 5)}`,
    "two common words, of which authors have one": (n) => `${commonWord(n % 5)} ${commonWord(5 + (n % 5))}`,
    "a rare word": (n) => commonWord(15_000 + n),
    "a word that only authors have often": (n) => commonWord(10 + (n % 20)),
    "one letter": (n) => "abdefklm"[n % 8] as string,
    "two letters": (n) => commonWord(n).slice(0, 2),
    "a whole title": (n) => sample(n).title,
    "title and author": (n) => `${sample(n).title} ${sample(n).author}`,
    "author's name": (n) => lastWord(sample(n).author),
    "as somebody types": (n) => sample(n >> 2).title.slice(0, 1 + (n % 12)),
    nothing: (n) => `zzz${n}`,
  };
  const kinds: Kind[] = [];
  for (const [name, text] of Object.entries(texts)) {
    const ask = (more: Variables, query = PAGE, of = name): Kind => ({
      name: `search: ${of}`,
      query,
      variables: (n) => ({ search: text(n), ...more }),
    });
    kinds.push(ask({}), ask({ last: 50, first: undefined }, PAGE, `${name}, last page`));
    kinds.push(ask({ orderBy: { field: "UPDATED_AT", direction: "DESC" } }, PAGE, `${name}, by UPDATED_AT`));
    kinds.push(ask({ filter: { language: "sv", inStock: true } }, PAGE, `${name}, Swedish, in stock`));
    kinds.push(ask({ first: 0 }, COUNT, `${name}, count`), ask({ first: 0 }, FACETS, `${name}, facets`));
  }
  const search = "the";
  const cursors: string[] = [];
  for (let after: string | undefined; cursors.length < 20; ) {
    const { data } = await service.ask(PAGE, { variables: { search, first: 500, after } });
    after = data.booksConnection.pageInfo.endCursor;
    cursors.push(after as string);
  }
  const deep = (n: number) => ({ search, after: cursors[n % cursors.length] });
  return [...kinds, { name: "search: a word in half of the titles, deep page", query: PAGE, variables: deep }];
}

/** Cursors that lie thousands of books behind the beginning. */
async function deepCursors(service: ServiceProcess, variables: Variables): Promise<string[]> {
  const cursors: string[] = [];
  for (let before: string | undefined; cursors.length < 20; ) {
    const { data } = await service.ask(PAGE, { variables: { ...variables, last: 500, before } });
    before = data.booksConnection.pageInfo.startCursor;
    cursors.push(before as string);
  }
  return cursors;
}

/** No two are the same: else the answer before would be sent again. */
export function askAnew(service: ServiceProcess, query: string, variables: Variables) {
  return service.send(query, { variables: { first: 50, ...variables }, extensions: { asked: ++asked } });
}
