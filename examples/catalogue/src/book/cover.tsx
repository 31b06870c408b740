import { useState } from "react";
import type { BookFieldsFragment } from "../generated/graphql.ts";

/** The cover's picture, or in its place a plain binding whose colour is always the same for the same title. */
export function Cover({ book: { title, coverUrl } }: { book: Pick<BookFieldsFragment, "title" | "coverUrl"> }) {
  const [missing, setMissing] = useState<string>();
  if (coverUrl && coverUrl !== missing) {
    return <img className="cover" src={coverUrl} alt="" loading="lazy" onError={() => setMissing(coverUrl)} />;
  }
  const hue = [...title].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 360, 7);
  return (
    <span className="cover" aria-hidden="true" style={{ "--hue": hue } as React.CSSProperties}>
      {[...title.replace(/^(the|an?|der|die|das|le|la) /i, "")][0]}
    </span>
  );
}
