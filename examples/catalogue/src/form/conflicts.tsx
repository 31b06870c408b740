import { useEffect, useRef } from "react";
import { FIELD_NAMES } from "../book/field-names.ts";
import type { Conflict, Values } from "./merge.ts";

const names: ReadonlyMap<string, string> = new Map(FIELD_NAMES);

interface Props {
  readonly conflicts: readonly Conflict[];
  readonly onChoose: (conflict: Conflict, value: Values[string]) => void;
}

/** What two people have changed at once: theirs and mine, and a choice for each field. */
export function Conflicts({ conflicts, onChoose }: Props) {
  const section = useRef<HTMLElement>(null);
  const count = useRef(0);

  useEffect(() => {
    // when one is new, and when one is dealt with, whose button held the focus and is gone
    if (conflicts.length > 0 && conflicts.length !== count.current) section.current?.focus();
    else if (conflicts.length === 0 && count.current > 0) document.querySelector<HTMLElement>("form .main")?.focus();
    count.current = conflicts.length;
  }, [conflicts.length]);

  if (conflicts.length === 0) return null;
  return (
    <section ref={section} id="conflicts" tabIndex={-1} className="note conflicts" aria-labelledby="conflicts-title">
      <h2 id="conflicts-title">Somebody else has changed the same</h2>
      <p>Nothing is lost yet, neither yours nor theirs. Which one is right?</p>
      {conflicts.map((conflict) => (
        <fieldset key={conflict.field}>
          <legend>{names.get(conflict.field) ?? conflict.field}</legend>
          <Choice whose="Yours" value={conflict.mine} onChoose={() => onChoose(conflict, conflict.mine)} />
          <Choice whose="Theirs" value={conflict.theirs} onChoose={() => onChoose(conflict, conflict.theirs)} />
        </fieldset>
      ))}
    </section>
  );
}

function Choice({ whose, value, onChoose }: { whose: string; value: Values[string]; onChoose: () => void }) {
  return (
    <button type="button" onClick={onChoose}>
      <span className="meta">{whose}</span> <span>{value ?? "nothing"}</span>
    </button>
  );
}
