/** What a title is sorted by first. The program's own way knows more letters; the titles of the torture have none of these. */
export function folded(title: string): string {
  return title.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
}

/** The titles that were compared so far; there are few. */
const places = new Map<string, Buffer>();

/** Title order: folded, then as they are, both by Unicode code point, which is the order of the UTF-8 bytes. */
export function byTitle(a: string, b: string): number {
  return Buffer.compare(placeOf(a), placeOf(b));
}

/** A title with its place in the order, as the read model has it. */
export function memberOf(title: string): string {
  return `${folded(title)}\0${title}`;
}

function placeOf(title: string): Buffer {
  const place = places.get(title) ?? Buffer.from(memberOf(title));
  places.set(title, place);
  return place;
}
