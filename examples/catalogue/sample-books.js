import { writeFileSync } from "node:fs";

/** Enough that lists are long, and that a count ends in "10,000+". */
const INVENTED = 10_944;

const QUALITIES =
  "Quiet Salt Paper Winter Hollow Amber Northern Drowned Borrowed Iron Second Glass Distant Wild Patient Hidden Silver Crooked Late Open".split(
    " ",
  );
const THINGS =
  "Harbour Orchard Library Cartographer Lantern River Garden Clockmaker Island Letter Archive Bridge Meadow Observatory Tide Apprentice Winterhouse Ferry Beekeeper Signal".split(
    " ",
  );
const ENDINGS = [
  "",
  " of Harrow Fen",
  " and the Sea",
  ": A Memoir",
  " in Spring",
  ", and Other Stories",
  ": A History",
  " at Night",
  " Revisited",
  " without a Name",
  " for Beginners",
  " in Twelve Letters",
  " and the Fox",
  ": An Atlas",
  " by Lamplight",
  " after the Flood",
  " on Fire",
  ": Collected Essays",
  " under Snow",
  " for Two Hands",
  " and Its Weather",
  ": A Field Guide",
  " at the Border",
  " of Small Things",
  " in Translation",
  ": A Libretto",
  " and the Moon",
  " before Breakfast",
  " in Ruins",
  ": Notes",
];
const FIRST =
  "Ada Bram Cecilia Dmitri Elif Femi Greta Hugo Ines Jonas Kirsi Lena Mateo Noor Odile Pavel Quentin Rosa Sanna Tomás".split(
    " ",
  );
const LAST =
  "Ashgrove Brú Castellan Duarte Eklund Fairweather Grzybowski Holm Ibarra Jansen Kowalczyk Lindqvist Marchetti Nakamura Oduya Petrov Quist Rossi Ståhl Vainola".split(
    " ",
  );
const LANGUAGES = ["en", "en", "en", "en-GB", "en", "de", "fr", "es", "it", "sv"];

/** The same books each time: a sequence that only looks like chance. */
function* numbers() {
  for (let state = 42; ; ) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    yield state >>> 8;
  }
}

/** Thirteen digits whose last one checks the others. */
function isbn(number) {
  const digits = `979${String(number).padStart(9, "0")}`;
  const sum = [...digits].reduce((sum, digit, index) => sum + Number(digit) * (index % 2 ? 3 : 1), 0);
  return `${digits}${(10 - (sum % 10)) % 10}`;
}

function inventedBook(index, chance) {
  const next = (list) => list[chance.next().value % list.length];
  const title = `The ${QUALITIES[index % 20]} ${THINGS[Math.floor(index / 20) % 20]}${ENDINGS[Math.floor(index / 400)]}`;
  const author = `${next(FIRST)} ${next(LAST)}`;
  const year = 1900 + (chance.next().value % 125);
  const month = 1 + (chance.next().value % 12);
  const day = 1 + (chance.next().value % 28);
  const date = `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
  // one in twenty is sold out
  const stock = chance.next().value % 20 === 0 ? 0 : 1 + (chance.next().value % 30);
  return [`"${title}"`, author, date, isbn(index), next(LANGUAGES), stock].join(",");
}

/** Writes the invented books as a CSV file, as `npm run import` takes it. */
export function writeSampleBooks(file) {
  const chance = numbers();
  const rows = Array.from({ length: INVENTED }, (_, index) => inventedBook(index, chance));
  writeFileSync(file, ["title,author,publishedDate,isbn,language,stockQuantity", ...rows, ""].join("\n"));
}
