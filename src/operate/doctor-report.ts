import type { Findings, Told } from "../cqrs/doctor/findings.ts";

/** What was found of a stream or of the database, for people: first what differs, at last one line that sums it up. */
export function linesOf({ of, differences, notes, remedies, seen, count }: Findings): string[] {
  const areas = [...differences].flatMap(([area, told]) => [...told.shown, ...more(told, `of the ${area}`)]);
  const looked = [...seen].map(([what, much]) => (what === "revision" ? `revision ${much}` : `${much} ${what}`));
  return [
    ...areas,
    ...notes.shown.map((note) => `note: ${note}`),
    ...more(notes, "notes"),
    ...[...remedies].map((remedy) => `cannot be repaired: ${remedy}`),
    `${of}: ${[...looked, count === 0 ? "nothing differs" : `${count} differences`].join(", ")}`,
  ];
}

/** All that was found, as JSON, and what became of it where it was to be repaired. */
export function asJson(
  found: readonly Findings[],
  repair: { readonly repaired: readonly string[]; readonly left: readonly Findings[] } | undefined,
): string {
  const last = repair?.left ?? found;
  return JSON.stringify({
    ok: last.every(({ count }) => count === 0),
    found: found.map(plain),
    ...(repair && { repaired: repair.repaired, left: repair.left.map(plain) }),
  });
}

function plain({ of, seen, differences, notes, remedies }: Findings): object {
  return {
    of,
    seen: Object.fromEntries(seen),
    differences: Object.fromEntries(differences),
    notes,
    cannotBeRepaired: [...remedies],
  };
}

function more({ shown, count }: Told, what: string): string[] {
  return count > shown.length ? [`and ${count - shown.length} more ${what}`] : [];
}
