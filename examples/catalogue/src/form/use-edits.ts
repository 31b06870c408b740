import { useState } from "react";
import type { EditFormFieldsFragment } from "../generated/graphql.ts";
import { type Conflict, merge, type Values } from "./merge.ts";

/** A form that somebody is filling in while others may change the book. */
export interface Edits {
  readonly form: EditFormFieldsFragment;
  readonly values: Values;
  readonly conflicts: readonly Conflict[];
  /** Fields that others have changed since the page was opened, and that the form has as they are now. */
  readonly takenOver: readonly string[];
}

export function useEdits(first: EditFormFieldsFragment) {
  const [edits, setEdits] = useState<Edits>({
    form: first,
    values: first.formData as Values,
    conflicts: [],
    takenOver: [],
  });

  return {
    edits,
    change: (values: Values) => setEdits((edits) => ({ ...edits, values })),

    /** Goes on with the form as it now is, keeping what was changed here. */
    rebase: (form: EditFormFieldsFragment) =>
      setEdits((edits) => {
        const theirs = form.formData as Values;
        const { values, takenOver, conflicts } = merge(edits.form.formData as Values, edits.values, theirs);
        const stillOpen = edits.conflicts
          .filter(({ field }) => !conflicts.some((conflict) => conflict.field === field))
          .map((conflict) => ({ ...conflict, theirs: theirs[conflict.field] }));
        return {
          form,
          values,
          conflicts: [...stillOpen, ...conflicts],
          takenOver: [...new Set([...edits.takenOver, ...takenOver])],
        };
      }),

    resolve: ({ field }: Conflict, value: Values[string]) =>
      setEdits((edits) => ({
        ...edits,
        values: { ...edits.values, [field]: value },
        conflicts: edits.conflicts.filter((conflict) => conflict.field !== field),
      })),
  };
}
