import type { CombinedError } from "urql";
import { failureInWords } from "../api/words.ts";

/** Why something could not be shown, and a way on. */
export function Failure({ error, onRetry }: { error: CombinedError; onRetry: () => void }) {
  return (
    <div role="alert" className="note warning">
      <p>{failureInWords(error)}</p>
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  );
}
