import { FIELD_NAMES } from "../book/field-names.ts";
import type { Values } from "./merge.ts";

interface Props {
  /** What others have changed since the page was opened. */
  readonly fields: readonly string[];
  readonly values: Values;
  readonly isDeleted: boolean;
}

/** Says what others have done to the book while this form was open. */
export function OthersChanges({ fields, values, isDeleted }: Props) {
  return (
    <div role="status" aria-label="Changes by others">
      {isDeleted ? (
        <p className="note warning">
          Somebody has just deleted this book. What you have written is still here, to be copied.
        </p>
      ) : fields.length > 0 ? (
        <div className="note">
          <p>Somebody has changed this book meanwhile. The form has it as it now is:</p>
          <ul>
            {FIELD_NAMES.filter(([field]) => fields.includes(field)).map(([field, name]) => (
              <li key={field}>
                {name}: <strong>{values[field] ?? "nothing"}</strong>
              </li>
            ))}
          </ul>
        </div>
      ) : null}
    </div>
  );
}
